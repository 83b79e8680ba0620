// The full gradient: the mean gradient over the batches of an epoch, as training draws and augments them, all
// taken at the weights of one step. SAM-full and SAM-noise climb by it.
//
// It is added up on the device, a batch at a time. The batches of an epoch in which one holds the whole set
// therefore give the gradient of the step itself, to the bit.
import type { OptimizerConfig } from '../catalogue/schema.js';
import type { Closable, HostBatch, Source } from '../data/source.js';
import type { FunctionSpec, Values } from '../graph/program.js';
import { nameScope } from '../native/scope.js';
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import { kept, scaled } from '../optim/vector.js';
import { required, UserError } from '../util/errors.js';
import {
  batchesIn,
  epochOf,
  wantedOf,
  wholeBatches,
  type WholeBatches,
} from '../util/whole-batches.js';
import type { Batch } from './batch.js';
import { nameOf } from './evaluation.js';
import { OUTPUT } from './measure.js';
import { gradientOn, wholly, type Learner } from './passes.js';
import type { Session } from './session.js';
import { vector } from './slot.js';
import { drawnInputs, NUMBER } from './step.js';
import type { Task } from './task.js';

/** The running statistics [S] by which BatchNorm normalises where it does not by the batch. */
export const FULL_STATISTICS = 'fullStatistics';

/** The functions, with `_last` for a short last batch. */
export const ACCUMULATE = 'accumulate';
export const OBSERVE = 'observe';

export type FullGradientConfig = OptimizerConfig['fullGradient'];

export interface FullGradientParts extends Omit<Learner, 'optimizer' | 'task' | 'workers'> {
  readonly task: Pick<Task, 'loss' | 'count' | 'drawn' | 'augmented'>;
}

/** What a function needs of what it reads from. */
type Examples = Pick<Source, 'held' | 'lent' | 'inputs' | 'fed' | 'gather'>;

/** What a source has of an example; not all of it makes the loss: the true labels beside wrong ones do not. */
const fieldsOf = (source: Examples, size: number): string[] => [
  ...Object.keys(source.held),
  ...Object.keys(source.inputs(size)),
];

/** Adds a batch's share of the full gradient to the slot `into` [P]: new = keep old + share g. */
export function accumulation(
  parts: FullGradientParts,
  source: Examples,
  size: number,
  into: string,
  batchNorm: FullGradientConfig['batchNorm'],
): FunctionSpec {
  const isRunning = batchNorm === 'running';
  return {
    inputs: { ...drawnInputs(parts, source, size), keep: NUMBER, share: NUMBER },
    lent: source.lent,
    state: [
      'parameters',
      into,
      ...(isRunning ? [FULL_STATISTICS] : []),
      ...Object.keys(source.held),
    ],
    optional: fieldsOf(source, size),
    body: (state, inputs) => {
      const statistics = isRunning
        ? vector(state, FULL_STATISTICS)
        : // By the batch, none are read, and those after the pass are dropped.
          tf.zeros<Tensor1D['rankType']>([parts.network.statistics.size]);
      const seed = inputs['seed'] as Tensor1D | undefined;
      const batch: Batch = parts.task.augmented(source.gather(state, inputs), inputs);
      const mode = isRunning ? 'evaluation' : 'training';
      const { gradient, loss } = gradientOn(
        parts,
        wholly(batch),
        seed,
        { ...state, statistics },
        mode,
      );
      const sum = nameScope('full_gradient', () =>
        tf.add<Tensor1D>(
          kept(vector(state, into), inputs['keep'] as Scalar),
          scaled(gradient, inputs['share'] as Scalar),
        ),
      );
      return { state: { [into]: sum }, outputs: { [OUTPUT]: tf.stack([loss]) } };
    },
  };
}

/** Puts the running statistics as the step on this batch will leave them into FULL_STATISTICS [S]. */
export function observation(
  parts: FullGradientParts,
  source: Examples,
  size: number,
): FunctionSpec {
  return {
    inputs: drawnInputs(parts, source, size),
    lent: source.lent,
    state: ['parameters', 'statistics', ...Object.keys(source.held)],
    overwritten: [FULL_STATISTICS],
    optional: fieldsOf(source, size),
    body: (state, inputs) => {
      const seed = inputs['seed'] as Tensor1D | undefined;
      const batch: Batch = parts.task.augmented(source.gather(state, inputs), inputs);
      // Of the gradient, which nothing uses, nothing is computed.
      const { loss, statistics } = gradientOn(parts, wholly(batch), seed, state, 'training');
      return {
        state: { [FULL_STATISTICS]: statistics },
        outputs: { [OUTPUT]: tf.stack([loss]) },
      };
    },
  };
}

/** Where a step stands. */
export interface StepPosition {
  /** From 0. */
  readonly epoch: number;
  /** Steps done in it. */
  readonly stepInEpoch: number;
  /** Steps done in all. */
  readonly step: number;
}

/** The batches of its epoch that a step's full gradient is taken over: those from the one after its own on. */
function extentOf(
  { examples, sizes }: Pick<Source, 'examples' | 'sizes'>,
  samples: FullGradientConfig['samples'],
  stepInEpoch: number,
): WholeBatches & { readonly perEpoch: number } {
  const [full = 0] = sizes;
  const epoch = epochOf(trainedOn({ examples, sizes }), full);
  const perEpoch = batchesIn(epoch);
  const first = (stepInEpoch + 1) % perEpoch;
  return { perEpoch, ...wholeBatches(epoch, first, wantedOf(samples)) };
}

/** Examples that the batches of an epoch have, which leave some out with `dropLast`. */
const trainedOn = ({
  examples,
  sizes: [full = 0, last],
}: Pick<Source, 'examples' | 'sizes'>): number =>
  last === undefined ? examples - (examples % full) : examples;

/** Errors: UserError where the samples of `key` are more than an epoch has. */
export function refuseMoreSamples(
  source: Pick<Source, 'examples' | 'sizes'>,
  samples: FullGradientConfig['samples'],
  key: string,
  called: string,
): void {
  const all = trainedOn(source);
  if (samples === 'all' || samples <= all) return;
  throw new UserError(
    `${key}: got ${samples}, wanted all or at most the ${all} ${called} of an epoch`,
  );
}

/**
 * A full gradient under way, a batch each time it is asked to go on; its `return` ends it at once. It comes to
 * the mean loss over its batches.
 */
export type FullGradientInParts = AsyncIterator<undefined, number>;

/** What it calls, and how it is taken. */
export interface Taking extends Pick<FullGradientConfig, 'samples' | 'batchNorm'> {
  /** The name of the function that adds it up. */
  readonly accumulate: string;
}

/** What a step of training feeds beside its batch and its rates. */
export type Draws = (step: number, examples: number) => Values;

/** Not a generator: its `return` has to reach what gives the batches while one is awaited. */
export function fullGradientInParts(
  session: Pick<Session, 'run'>,
  source: Source,
  draws: Draws,
  taking: Taking,
  { epoch, stepInEpoch, step }: StepPosition,
): FullGradientInParts {
  const extent = extentOf(source, taking.samples, stepInEpoch);
  const isRunning = taking.batchNorm === 'running';
  // The step's own batch is needed for its statistics, and comes last where all are taken.
  let at = isRunning ? stepInEpoch : (stepInEpoch + 1) % extent.perEpoch;
  // Not read before it is asked for: until then the source may be read by others.
  let batches: Closable<HostBatch> | null = null;
  let taken = 0;
  let observed = !isRunning;
  let loss = 0;
  let isEnded = false;
  const call = (what: string, { examples, inputs }: HostBatch, numbers: Values = {}): number => {
    const name = nameOf(what, source, examples);
    const { [OUTPUT]: measures } = session.run(name, {
      ...inputs,
      ...draws(step - stepInEpoch + at, examples),
      ...numbers,
    });
    return required(measures?.[0], 'the loss');
  };
  const end = () => ({ done: true, value: loss }) as const;
  return {
    async next() {
      if (taken === extent.batches) return end();
      batches ??= source.batches(epoch, at);
      const { done, value } = await batches.next();
      // It may have been ended meanwhile.
      if (isEnded) return end();
      const batch = required(done === true ? undefined : value, 'a batch of the epoch');
      if (observed) {
        const share = batch.examples / extent.examples;
        const numbers = {
          keep: Float32Array.of(taken === 0 ? 0 : 1),
          share: Float32Array.of(share),
        };
        loss += share * call(taking.accumulate, batch, numbers);
        taken++;
      } else {
        call(OBSERVE, batch);
        observed = true;
      }
      at++;
      if (at === extent.perEpoch && taken < extent.batches) {
        await batches.return();
        at = 0;
        batches = null;
      }
      return { done: false, value: undefined };
    },
    async return() {
      isEnded = true;
      await batches?.return();
      return end();
    },
  };
}
