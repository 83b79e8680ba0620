// One network under training, or under evaluation alone: its state, and the steps over it.
import { SPLITS, type Split } from '../data/dataset.js';
import type { HostBatch, Source } from '../data/source.js';
import type { FunctionSpec, OnTrace, Values } from '../graph/program.js';
import { FULL_GRADIENT } from '../optim/full.js';
import { ALIKE } from '../optim/rule.js';
import { InternalError, required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import type { Range } from '../util/ranges.js';
import { signalCode, signalIn } from '../util/stop-signals.js';
import {
  ACCUMULATE,
  accumulation,
  FULL_STATISTICS,
  fullGradientInParts,
  observation,
  OBSERVE,
  type FullGradientConfig,
  type FullGradientInParts,
  type StepPosition,
} from './full-gradient.js';
import {
  evaluateInParts,
  evaluationOf,
  gathering,
  gatheringOf,
  nameOf,
  toEnd,
  type Evaluation,
  type EvaluationInParts,
} from './evaluation.js';
import { byColumn, OUTPUT, type Measure, type Numbers } from './measure.js';
import { PROBE_ACCUMULATE, PROBED, probesOfKind, probeStep } from './probes.js';
import { openSession, type Mode, type Session, type SessionSpec } from './session.js';
import { initialState } from './slot.js';
import { togetherFunctions, togetherIn, type Together } from './together.js';
import {
  evaluationStep,
  rowsOfKind,
  STOP,
  trainingStep,
  type EvaluationParts,
  type TrainingParts,
} from './step.js';

/**
 * What a training step measures, by column: of a mean its value over the batch, of a sum the sum. A step that
 * does not climb lacks what is measured at w + eps.
 */
export interface StepResult {
  readonly examples: number;
  readonly numbers: Numbers;
}

export interface Engine extends Pick<Session, 'slots' | 'readState' | 'writeState' | 'dispose'> {
  /** Null where the process is alone. */
  readonly together: Together | null;
  /** Of all that is measured, those that apply. */
  readonly measures: readonly Measure[];
  /** Batches to train on; null where it is not trained. */
  readonly training: Source | null;
  /**
   * Runs training step `step` (0-based, over the whole run). What it draws depends on the seed and the
   * step alone. Where there is a `traced`, it is given TensorFlow's record of the step, which only
   * `compiled` has.
   */
  trainStep(step: number, batch: HostBatch, learningRate: number, traced?: OnTrace): StepResult;
  /**
   * Takes the full gradient for the step that comes next, a batch each time it is asked to go on. Null where that
   * step needs none, or has none but the one before.
   */
  fullGradient(at: StepPosition): FullGradientInParts | null;
  /**
   * Looks at the step that comes next, without changing anything: takes the full gradient for it, in the same
   * way. Null where no probe is due.
   */
  probe(at: StepPosition): FullGradientInParts | null;
  /** What the probe finds there, by column: once `probe` is at its end. */
  probed(step: number, batch: HostBatch, learningRate: number): Numbers;
  /** Over a whole set, without augmentation, BatchNorm in evaluation mode. */
  evaluate(split: Split): Promise<Evaluation>;
  /**
   * The same, a batch each time it is asked to go on. Its `return` ends it at once, and it comes to
   * null then.
   */
  evaluateInParts(split: Split): EvaluationInParts;
}

/** An experiment before it has data or state. */
export interface EngineParts extends TrainingParts, EvaluationParts {
  readonly seed: number;
  /** Null: it is not trained. */
  readonly training: Source | null;
  /** How the optimizer takes it; left out where it does not. */
  readonly fullGradient?: FullGradientConfig | undefined;
  /** How often the steps are probed, and over how much the full gradient is taken; left out: never. */
  readonly probes?: Pick<FullGradientConfig, 'every' | 'samples'> | undefined;
  /** The sets that it is evaluated on. */
  readonly evaluated: Readonly<Partial<Record<Split, Source>>>;
}

/** Functions are traced under these names. */
const TRAIN = 'train';
const PROBE = 'probe';
const ofKind = (what: string, kind: string): string => (kind === ALIKE ? what : `${what}_${kind}`);
const trainingOf = (kind: string): string => ofKind(TRAIN, kind);

type Functions = Readonly<Record<string, FunctionSpec>>;

/** One function for each size that the batches of a source have. */
function forSizes(what: string, source: Source, make: (size: number) => FunctionSpec): Functions {
  return Object.fromEntries(source.sizes.map((size) => [nameOf(what, source, size), make(size)]));
}

/** All that the engine of these parts opens: slots, data and functions. */
export function engineSpec(parts: EngineParts): SessionSpec {
  const { training, evaluated, slots, workers = null } = parts;
  const sources = SPLITS.flatMap((split) => {
    const source = evaluated[split];
    return source === undefined ? [] : [[split, source] as const];
  });
  const functions: Functions = {
    ...(training && fullGradientFunctions(parts, training)),
    ...(training && probeFunctions(parts, training)),
    ...(training &&
      merged(
        Object.keys(parts.optimizer.kinds.byName).map((kind) =>
          forSizes(trainingOf(kind), training, (size) => trainingStep(parts, training, size, kind)),
        ),
      )),
    ...merged(
      sources.map(([split, source]) =>
        forSizes(evaluationOf(split), source, (size) => evaluationStep(parts, split, source, size)),
      ),
    ),
    ...(workers && togetherFunctions(slots, workers)),
    ...(workers &&
      Object.fromEntries(
        sources.map(([split, source]) => [
          gatheringOf(split),
          gathering(parts.task, split, source, workers),
        ]),
      )),
  };
  const held = merged([training?.held ?? {}, ...sources.map(([, source]) => source.held)]);
  const { parameters, statistics } = parts.network;
  const scratch = {
    ...(parts.fullGradient?.batchNorm === 'running' && { [FULL_STATISTICS]: statistics.size }),
    ...(parts.probes && { [PROBED]: parameters.size }),
  };
  return { slots, scratch, functions, held };
}

function fullGradientFunctions(parts: EngineParts, training: Source): Functions {
  const { fullGradient } = parts;
  if (fullGradient === undefined) return {};
  const { batchNorm } = fullGradient;
  const accumulate = (size: number) =>
    accumulation(parts, training, size, FULL_GRADIENT, batchNorm);
  return {
    ...forSizes(ACCUMULATE, training, accumulate),
    ...(batchNorm === 'running' &&
      forSizes(OBSERVE, training, (size) => observation(parts, training, size))),
  };
}

/** A probe's full gradient is normalised as the optimizer's own is, or else as a step's. */
const probedBatchNorm = ({ fullGradient }: EngineParts): FullGradientConfig['batchNorm'] =>
  fullGradient?.batchNorm ?? 'batch';

function probeFunctions(parts: EngineParts, training: Source): Functions {
  if (parts.probes === undefined) return {};
  const batchNorm = probedBatchNorm(parts);
  const accumulate = (size: number) => accumulation(parts, training, size, PROBED, batchNorm);
  const kinds = Object.keys(parts.optimizer.kinds.byName).map((kind) =>
    forSizes(ofKind(PROBE, kind), training, (size) => probeStep(parts, training, size, kind)),
  );
  return merged([forSizes(PROBE_ACCUMULATE, training, accumulate), ...kinds]);
}

const merged = <T>(tables: readonly Readonly<Record<string, T>>[]): Record<string, T> =>
  Object.fromEntries(tables.flatMap((table) => Object.entries(table)));

/** The function that is traced for a usual batch of training, of the first step's kind. */
export const trainingFunction = ({ optimizer }: Pick<EngineParts, 'optimizer'>): string =>
  trainingOf(optimizer.kinds.at(0));

/** Opens it, with the state before the first step. */
export function openEngine(parts: EngineParts, mode: Mode): Engine {
  const { network, optimizer, task, slots, seed, training, evaluated, fullGradient, probes } =
    parts;
  const initial = initialState(slots, network.initialise(seed));
  const { workers = null } = parts;
  const session = openSession(engineSpec(parts), mode, workers);
  session.writeState(initial);
  const rows = Object.fromEntries(
    Object.keys(optimizer.kinds.byName).map((kind) => [kind, rowsOfKind(parts, kind)] as const),
  );
  const inParts = (split: Split) => {
    const source = evaluated[split];
    if (source === undefined) throw new InternalError(`the engine does not evaluate on ${split}`);
    return evaluateInParts(session, task, split, source, workers);
  };
  const drawn = (step: number, examples: number): Values => ({
    ...drawsFed(task.draw(step, examples), examples, training?.fed(examples)),
    ...(network.drawsRandom ? { seed: passSeed(seed, step) } : {}),
  });
  const take = (at: StepPosition, config: FullGradientConfig | undefined, accumulate: string) => {
    if (config === undefined || at.step % config.every !== 0) return null;
    const source = required(training ?? undefined, 'what is trained on');
    return fullGradientInParts(session, source, drawn, { ...config, accumulate }, at);
  };
  /** Calls what a step has of its kind. */
  const run = (
    what: string,
    step: number,
    { examples, inputs }: HostBatch,
    learningRate: number,
    rowsOf: (kind: string) => readonly { readonly column: string }[],
    traced?: OnTrace,
  ): StepResult => {
    const scalars = Object.entries(optimizer.scalars(step, learningRate)).map(
      ([name, value]) => [name, Float32Array.of(value)] as const,
    );
    const fed = {
      ...inputs,
      ...drawn(step, examples),
      ...Object.fromEntries(scalars),
      ...(workers && { [STOP]: Float32Array.of(signalCode(workers.stop.wanted())) }),
    };
    const kind = optimizer.kinds.at(step);
    const source = required(training ?? undefined, 'what is trained on');
    const name = nameOf(ofKind(what, kind), source, examples);
    const { [OUTPUT]: vector } = session.run(name, fed, traced);
    const known = rowsOf(kind);
    if (workers !== null) workers.stop.agreed = signalIn(vector?.[known.length] ?? 0);
    return { examples, numbers: byColumn(known, required(vector, OUTPUT)) };
  };
  return {
    slots,
    together: workers && togetherIn(session, workers),
    measures: task.measures,
    training,
    fullGradient: (at) => take(at, fullGradient, ACCUMULATE),
    probe: (at) =>
      take(at, probes && { ...probes, batchNorm: probedBatchNorm(parts) }, PROBE_ACCUMULATE),
    probed: (step, batch, learningRate) =>
      run(PROBE, step, batch, learningRate, (kind) => probesOfKind(optimizer, kind)).numbers,
    trainStep: (step, batch, learningRate, traced) =>
      run(TRAIN, step, batch, learningRate, (kind) => required(rows[kind], kind), traced),
    evaluate: (split) => toEnd(inParts(split)),
    evaluateInParts: inParts,
    readState: () => session.readState(),
    writeState: (state) => session.writeState(state),
    dispose: () => session.dispose(),
  };
}

/** Of what is drawn for each of `examples`, the draws for those that are fed. */
function drawsFed(draws: Values, examples: number, fed: Range | undefined): Values {
  if (fed === undefined || fed.size === examples) return draws;
  return Object.fromEntries(
    Object.entries(draws).map(([name, values]) => {
      const width = values.length / examples;
      return [name, values.slice(width * fed.begin, width * (fed.begin + fed.size))];
    }),
  );
}

/** Decides all that the network draws in a step. */
function passSeed(seed: number, step: number): Int32Array {
  const stream = randomStream(seed, 'dropout', step);
  return Int32Array.of(stream.bits(), stream.bits());
}
