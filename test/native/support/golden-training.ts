// Golden steps of training, through the engine's own training function.
import { takesFullGradient } from '../../../src/catalogue/optimizers.js';
import type { OptimizerConfig } from '../../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../../src/graph/compile.js';
import { runEagerly } from '../../../src/graph/eager.js';
import type { FunctionSpec, Program, ProgramSpec, Tensors } from '../../../src/graph/program.js';
import { sumsOver } from '../../../src/graph/workers.js';
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor4D,
} from '../../../src/native/tensorflow.js';
import type { Network } from '../../../src/nn/network.js';
import { FULL_GRADIENT } from '../../../src/optim/full.js';
import { norm, scaled } from '../../../src/optim/vector.js';
import {
  ACCUMULATE,
  accumulation,
  FULL_STATISTICS,
  observation,
  OBSERVE,
} from '../../../src/session/full-gradient.js';
import { meanOf, type Part } from '../../../src/session/measure.js';
import { trainOn, type Learner } from '../../../src/session/passes.js';
import { required } from '../../../src/util/errors.js';
import { cutRange } from '../../../src/util/ranges.js';
import {
  goldenImages,
  goldenLabels,
  goldenParameters,
  goldenStatistics,
  movedByRounding,
  type GoldenModel,
} from './golden.js';
import { CROSS_ENTROPY } from './task.js';
import { optimizerOf } from './optimizers.js';

type Shape = GoldenModel['input'];

/** What a step measures. */
interface Measured {
  readonly loss: number;
  readonly gradient: number;
  /** Of the climb; 0 without one. */
  readonly perturbation: number;
  readonly perturbedLoss: number;
  readonly perturbedGradient: number;
}

export interface GoldenTraining {
  /** Back to the golden weights, moved by roundings for an `attempt` above 0. */
  start(attempt: number): void;
  /** Trains on the batch of step `t` (from 0). */
  step(t: number, learningRate: number): Measured;
  /** A vector of the state. */
  read(name: 'parameters' | 'statistics' | 'momentum'): Float32Array;
  /** The first ten logits of the evaluation batch. */
  logits(): Float32Array;
  dispose(): void;
}

/** How a batch is cut. */
export type Cut = Pick<Learner, 'microBatches' | 'devices' | 'workers'>;

const WHOLE: Cut = { microBatches: 1 };

/** From the golden weights of `tensors`, on batches of the shape `input` (NCHW). */
export function openGoldenTraining(
  how: 'eager' | 'traced',
  network: Network,
  config: OptimizerConfig,
  tensors: GoldenModel['tensors'],
  input: Shape,
  cut = WHOLE,
): GoldenTraining {
  const spec = training(network, config, input, cut);
  const program =
    how === 'eager'
      ? runEagerly(spec)
      : loadGraph(traceProgram(spec), { workers: cut.workers ?? null });
  const { state, scalars, kinds } = optimizerOf(config, network.parameters.tensors);
  const start = (attempt: number): void => {
    program.write('parameters', movedByRounding(goldenParameters({ tensors }), attempt));
    program.write('statistics', goldenStatistics({ tensors }));
    for (const name of state) program.write(name, new Float32Array(network.parameters.size));
  };
  start(0);
  return {
    start,
    step: (t, learningRate) => {
      const { images, labels } = batchOf(t, input);
      takeFullGradient(program, config, t, input);
      const fed = Object.entries(scalars(t, learningRate));
      const numbers = Object.fromEntries(fed.map(([name, x]) => [name, Float32Array.of(x)]));
      const name = functionOf(kinds.at(t));
      const { measures } = program.run(name, { images, labels, ...numbers });
      const [loss, gradient, perturbation, perturbedLoss, perturbedGradient] = Array.from(
        required(measures, 'measures'),
      ) as [number, number, number, number, number];
      return { loss, gradient, perturbation, perturbedLoss, perturbedGradient };
    },
    read: (name) => program.read(name) as Float32Array,
    logits: () => {
      const { logits } = program.run('evaluate', { images: goldenImages(29999, input) });
      return required(logits, 'logits').subarray(0, 10) as Float32Array;
    },
    dispose: () => {
      program.dispose();
    },
  };
}

/** The batch of step `t`. */
const batchOf = (t: number, input: Shape) => ({
  images: goldenImages(20000 + t, input),
  labels: goldenLabels(t, input[0]),
});

/** The training set of sam-family.json: the batches of ten steps. */
const WHOLE_SET = Array.from({ length: 10 }, (_, t) => t);

/** What SAM-full and SAM-noise climb by, before step `t`. */
function takeFullGradient(
  program: Program,
  config: OptimizerConfig,
  t: number,
  input: Shape,
): void {
  const { every, batchNorm } = config.fullGradient;
  if (!takesFullGradient(config) || t % every !== 0) return;
  if (batchNorm === 'running') program.run(OBSERVE, batchOf(t, input));
  for (const batch of WHOLE_SET) {
    program.run(ACCUMULATE, {
      ...batchOf(batch, input),
      keep: Float32Array.of(batch === 0 ? 0 : 1),
      share: Float32Array.of(1 / WHOLE_SET.length),
    });
  }
}

/** The functions that take it. */
function fullGradient(
  network: Network,
  config: OptimizerConfig,
  inputs: FunctionSpec['inputs'],
): Pick<ProgramSpec, 'variables' | 'functions'> {
  if (!takesFullGradient(config)) return { variables: {}, functions: {} };
  const { batchNorm } = config.fullGradient;
  const task = {
    ...CROSS_ENTROPY,
    drawn: () => ({}),
    augmented: ({ images, labels }: Tensors) => ({
      input: images as Tensor4D,
      targets: { labels: labels as Tensor1D },
    }),
  };
  const source = {
    held: {},
    lent: [],
    fed: (size: number) => ({ begin: 0, size }),
    inputs: () => inputs,
    gather: (_: Tensors, fed: Tensors) => fed,
  };
  const parts = { network, task, microBatches: 1 };
  const accumulate = accumulation(parts, source, 0, FULL_GRADIENT, batchNorm);
  if (batchNorm === 'batch') return { variables: {}, functions: { [ACCUMULATE]: accumulate } };
  return {
    variables: { [FULL_STATISTICS]: { dtype: 'float32', shape: [network.statistics.size] } },
    functions: { [ACCUMULATE]: accumulate, [OBSERVE]: observation(parts, source, 0) },
  };
}

const meanGradient = (parts: readonly Part[], of: (part: Part) => Tensor1D): Tensor1D =>
  parts
    .map((part) => scaled(of(part), part.share))
    .reduce((sum, one) => tf.add<Tensor1D>(sum, one));

const functionOf = (kind: string): string => `train_${kind}`;

function training(
  network: Network,
  config: OptimizerConfig,
  [batch, channels, height, width]: Shape,
  cut: Cut,
): ProgramSpec {
  const optimizer = optimizerOf(config, network.parameters.tensors);
  const vector = { dtype: 'float32', shape: [network.parameters.size] } as const;
  const images = { dtype: 'float32', shape: [batch, height, width, channels] } as const;
  const batchTypes = { images, labels: { dtype: 'int32', shape: [batch] } } as const;
  const { workers = null } = cut;
  const own = required(
    cutRange({ begin: 0, size: batch }, workers?.count ?? 1)[workers?.index ?? 0],
    'the share of a worker',
  );
  const share = <T extends Tensor>(of: T): T =>
    workers === null ? of : tf.slice(of, [own.begin], [own.size]);
  const full = fullGradient(network, config, batchTypes);
  const scalars = Object.keys(optimizer.scalars(0, 0));
  const overwritten = (kind: string) => optimizer.kinds.byName[kind]?.overwrites ?? [];
  const step = (kind: string): FunctionSpec => ({
    inputs: {
      ...batchTypes,
      ...Object.fromEntries(scalars.map((name) => [name, { dtype: 'float32', shape: [] }])),
    },
    state: [
      'parameters',
      'statistics',
      ...optimizer.state.filter((name) => !overwritten(kind).includes(name)),
    ],
    overwritten: overwritten(kind),
    body: (state, inputs) => {
      const images = inputs['images'] as Tensor4D;
      const labels = inputs['labels'] as Tensor1D;
      const step = trainOn(
        { network, optimizer, task: CROSS_ENTROPY, ...cut },
        { batch: { input: share(images), targets: { labels: share(labels) } }, whole: batch },
        undefined,
        state,
        inputs,
        kind,
      );
      const { parts } = step;
      const none = tf.scalar(0);
      const climbs = required(parts[0], 'the pass').perturbed !== undefined;
      const up = (part: Part) => required(part.perturbed, 'the climb');
      const means = [
        meanOf(parts, ({ first }) => first.loss),
        climbs ? meanOf(parts, (part) => norm(up(part).perturbation)) : none,
        climbs ? meanOf(parts, (part) => up(part).pass.loss) : none,
      ];
      const perturbed = climbs ? meanGradient(parts, (part) => up(part).pass.gradient) : means[0]!;
      const [sums, climbed] = sumsOver(workers, [
        tf.stack(means) as Tensor1D,
        tf.reshape(perturbed, [-1]),
      ]);
      const [loss, perturbation, perturbedLoss] = tf.unstack(sums!) as Scalar[];
      const measures = [
        loss,
        norm(step.gradient),
        perturbation,
        perturbedLoss,
        climbs ? norm(climbed!) : none,
      ];
      return { state: step.state, outputs: { measures: tf.stack<Scalar>(measures as Scalar[]) } };
    },
  });
  const steps = Object.keys(optimizer.kinds.byName).map(
    (kind) => [functionOf(kind), step(kind)] as const,
  );
  return {
    variables: {
      parameters: vector,
      statistics: { dtype: 'float32', shape: [network.statistics.size] },
      ...Object.fromEntries(optimizer.state.map((name) => [name, vector])),
      ...full.variables,
    },
    functions: {
      ...full.functions,
      ...Object.fromEntries(steps),
      evaluate: {
        inputs: { images },
        state: ['parameters', 'statistics'],
        body: ({ parameters, statistics }, inputs) => {
          const x = inputs['images'] as Tensor4D;
          const pass = [parameters as Tensor1D, statistics as Tensor1D, x, 'evaluation'] as const;
          return { outputs: { logits: network.forward(...pass).output } };
        },
      },
    },
  };
}
