// Declares a network: its parameters and statistics by name, and the function that computes it. The
// door of this folder.
import { narrowed, widened } from '../native/bfloat16.js';
import { uniform } from '../native/random.js';
import { nameScope } from '../native/scope.js';
import { ofRank, type ByRank } from '../native/rank.js';
import { tf, type Tensor, type Tensor1D, type Tensor4D } from '../native/tensorflow.js';
import { InternalError, required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import { constant, type Initialiser } from './initialisation.js';
import { Layout, type TensorKind } from './layout.js';

/** Share of the batch's value in the new running statistics (PyTorch's BatchNorm momentum). */
const STATISTICS_MOMENTUM = 0.1;

/**
 * `training`: BatchNorm by the batch, and what draws random numbers does; `batch`: by the batch, and nothing is
 * drawn; `evaluation`: by the running statistics, and nothing is drawn.
 */
export type Mode = 'training' | 'batch' | 'evaluation';

/** What a layer sees of one pass through the network. */
interface Pass {
  readonly mode: Mode;
  parameter(index: number): Tensor;
  /** A running statistic as it was before the pass. */
  statistic(index: number): Tensor1D;
  /**
   * Uniform draws from 0 (inclusive) to 1 (exclusive) of `shape`, new ones at every call and in
   * every pass; in training mode only.
   */
  random(shape: readonly number[]): Tensor;
  /** Takes the statistic of this batch, for the running one. */
  observe(index: number, value: Tensor1D): void;
}

/** A part of a network: a function of its input and the pass. */
export type Layer<In extends Tensor = Tensor4D, Out extends Tensor = Tensor4D> = (
  x: In,
  pass: Pass,
) => Out;

export interface Network {
  readonly name: string;
  /**
   * Trainable: one vector w [P]. Names are those of the authors' PyTorch code; kernels [K K I O],
   * linear weights [I O].
   */
  readonly parameters: Layout;
  /** BatchNorm's running means and variances: one vector [S]. */
  readonly statistics: Layout;
  /** Whether a training pass draws random numbers, and so wants a seed. */
  readonly drawsRandom: boolean;
  /** Initial w [P] and statistics [S] under a seed. */
  initialise(seed: number): { parameters: Float32Array; statistics: Float32Array };
  /**
   * A batch [N ...] -> its output [N ...], of images [N H W C] logits [N K], and the statistics [S]
   * as they are after the pass. `seed` [2] (int32) decides everything that the pass draws.
   *
   * Errors: InternalError where the input has another number of dimensions than the network reads.
   */
  forward(
    w: Tensor1D,
    statistics: Tensor1D,
    input: Tensor,
    mode: Mode,
    seed?: Tensor1D,
  ): { output: Tensor; statistics: Tensor1D };
  /** The statistics [S] of a batch itself, which normalises it; nothing is drawn. */
  observe(w: Tensor1D, input: Tensor): Tensor1D;
}

/** How convolutions are computed. */
export interface Convolutions {
  /** `auto` takes Winograd's algorithm for 3x3 convolutions where it is quicker. */
  readonly convolution: 'auto' | 'direct';
  /** What activations are, beside the weights that they meet; weights, statistics and output are float32 either way. */
  readonly precision: 'float32' | 'bfloat16';
}

const DEFAULT_CONVOLUTIONS: Convolutions = { convolution: 'auto', precision: 'float32' };

/** Collects what the layers declare, in the order they are made. */
export class NetworkBuilder {
  readonly parameters = new Layout();
  readonly statistics = new Layout();
  readonly #initialisers: Initialiser[] = [];
  readonly #statisticValues: number[] = [];

  /** Set by layers that call `Pass.random`. */
  drawsRandom = false;

  /** Of the parameters that are declared now, where a network counts its layers (`TensorSpec.fromOutput`). */
  fromOutput: number | undefined;

  constructor(readonly convolutions: Convolutions = DEFAULT_CONVOLUTIONS) {}

  parameter(
    name: string,
    shape: readonly number[],
    initialiser: Initialiser,
    kind: TensorKind = {},
  ): number {
    this.#initialisers.push(initialiser);
    const { fromOutput } = this;
    return this.parameters.add(name, shape, {
      ...kind,
      ...(fromOutput !== undefined && { fromOutput }),
    });
  }

  /** The scale or the offset of a normalisation. */
  normParameter(name: string, shape: readonly number[], initialiser: Initialiser): number {
    return this.parameter(name, shape, initialiser, { isNorm: true });
  }

  /** What a network begins with, as its activations are. */
  activations<T extends Tensor>(x: T): T {
    return this.convolutions.precision === 'bfloat16' ? narrowed(x) : x;
  }

  statistic(name: string, shape: readonly number[], value: number): number {
    this.#statisticValues.push(value);
    return this.statistics.add(name, shape);
  }

  /** The network of these layers over images [N H W C]. */
  build(name: string, layer: Layer<Tensor4D, Tensor>): Network {
    return this.buildOver(4, name, layer);
  }

  /** The same over inputs of `rank` dimensions. */
  buildOver<R extends keyof ByRank>(
    rank: R,
    name: string,
    layer: Layer<ByRank[R], Tensor>,
  ): Network {
    const { parameters, statistics, drawsRandom } = this;
    const through = (
      w: Tensor1D,
      input: Tensor,
      mode: Mode,
      running: readonly Tensor1D[],
      seed?: Tensor1D,
    ) => {
      const weights = parameters.cut(w);
      const observed = new Map<number, Tensor1D>();
      const x = input.dtype === 'float32' ? this.activations(input) : input;
      const output = layer(ofRank(x, rank, `the input of ${name}`), {
        mode,
        parameter: (index) => required(weights[index], `parameter ${index}`),
        statistic: (index) => required(running[index], `statistic ${index}`),
        random: randomDraws(seed),
        observe: (index, value) => observed.set(index, value),
      });
      return { output: widened(output), observed };
    };
    return {
      name,
      parameters,
      statistics,
      drawsRandom,
      initialise: (seed) => ({
        parameters: fill(parameters, (i) => required(this.#initialisers[i], 'initialiser'), seed),
        statistics: fill(
          statistics,
          (i) => constant(required(this.#statisticValues[i], 'value')),
          seed,
        ),
      }),
      forward: (w, old, input, mode, seed) =>
        nameScope(mode, () => {
          const running = mode === 'evaluation' ? (statistics.cut(old) as Tensor1D[]) : [];
          const { output, observed } = through(w, input, mode, running, seed);
          return { output, statistics: updated(old, statistics, observed, mode) };
        }),
      observe: (w, input) =>
        nameScope('batch', () => joined(statistics, through(w, input, 'batch', []).observed)),
    };
  }
}

/** Draw number n of a pass takes the seed (s0, s1 + n). */
function randomDraws(seed: Tensor1D | undefined): Pass['random'] {
  let draws = 0;
  return (shape) => {
    if (seed === undefined) throw new InternalError('a layer draws random numbers without a seed');
    return uniform(shape, tf.add(seed, tf.tensor1d([0, draws++], 'int32')));
  };
}

function fill(layout: Layout, initialiser: (index: number) => Initialiser, seed: number) {
  const vector = new Float32Array(layout.size);
  layout.tensors.forEach(({ shape, offset }, i) => {
    vector.set(initialiser(i)(shape, randomStream(seed, 'initialisation', i)), offset);
  });
  return vector;
}

/** new = 0.9 old + 0.1 batch, all statistics at once. */
function updated(
  old: Tensor1D,
  layout: Layout,
  observed: ReadonlyMap<number, Tensor1D>,
  mode: Mode,
): Tensor1D {
  if (mode === 'evaluation' || layout.size === 0) return old;
  return nameScope('running_statistics', () =>
    tf.add<Tensor1D>(
      tf.mul(old, tf.scalar(1 - STATISTICS_MOMENTUM)),
      tf.mul(joined(layout, observed), tf.scalar(STATISTICS_MOMENTUM)),
    ),
  );
}

/** The statistics of a batch, end to end [S]. */
function joined(layout: Layout, observed: ReadonlyMap<number, Tensor1D>): Tensor1D {
  const batch = layout.tensors.map(({ name }, i) => {
    const value = observed.get(i);
    if (value === undefined) throw new InternalError(`no layer observed the statistic ${name}`);
    return value;
  });
  return batch.length === 0 ? tf.zeros([0]) : tf.concat(batch);
}
