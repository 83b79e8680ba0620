// The layers that networks are made of. Each declares its parameters on a builder and gives a
// function.
import { isNarrow, matching, widened } from '../native/bfloat16.js';
import { conv2d } from '../native/convolution.js';
import * as kernels from '../native/kernels.js';
import { batchNormInference, batchNormTraining } from '../native/normalisation.js';
import { patchConv2d, suitsPatches } from '../native/patches.js';
import * as pooling from '../native/pooling.js';
import { nameScope } from '../native/scope.js';
import { suitsWinograd, winogradConv2d } from '../native/winograd.js';
import { tf, type Tensor1D, type Tensor2D, type Tensor4D } from '../native/tensorflow.js';
import { biasUniform, constant, kaimingUniform, type Initialiser } from './initialisation.js';
import type { TensorKind } from './layout.js';
import type { Convolutions, Layer, NetworkBuilder } from './network.js';

export interface ConvolutionOptions {
  /** Side K of the square kernel, odd; padded by (K - 1) / 2 on every side, whatever the stride. */
  readonly kernel: number;
  readonly stride?: number;
  /** Default: PyTorch's. */
  readonly initialiser?: Initialiser;
  /** Of the bias; without it there is no bias. */
  readonly bias?: Initialiser;
}

/**
 * [N H W I] -> [N H/stride W/stride O]. Parameter NAME.weight [K K I O], and NAME.bias [O] where
 * one is wanted.
 */
export function convolution(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  { kernel, stride = 1, initialiser = kaimingUniform, bias }: ConvolutionOptions,
): Layer {
  const shape = [kernel, kernel, inputs, outputs];
  const weight = builder.parameter(`${name}.weight`, shape, initialiser);
  const offset = bias && builder.parameter(`${name}.bias`, [outputs], bias);
  return (x, pass) =>
    nameScope(name, () => {
      const filter = matching(x, pass.parameter(weight) as Tensor4D);
      const y = convolve(x, filter, stride, builder.convolutions);
      return offset === undefined ? y : tf.add<Tensor4D>(y, matching(y, pass.parameter(offset)));
    });
}

function convolve(
  x: Tensor4D,
  filter: Tensor4D,
  stride: number,
  { convolution: method }: Convolutions,
): Tensor4D {
  const padding = (filter.shape[0] - 1) / 2;
  // Ours are for float32 alone.
  const isOurs = method === 'auto' && !isNarrow(x);
  if (isOurs && stride === 1 && padding === 1 && suitsWinograd(x, filter)) {
    return winogradConv2d(x, filter);
  }
  if (isOurs && suitsPatches(x, filter, stride)) {
    return patchConv2d(x, filter, stride);
  }
  if (padding === 0) return conv2d(x, filter, stride, 'VALID');
  if (stride === 1) return conv2d(x, filter, 1, 'SAME');
  // TensorFlow's SAME would pad right and bottom only; its EXPLICIT padding is slow on CPU.
  const sides: [number, number] = [padding, padding];
  const padded = tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
  return conv2d(padded, filter, stride, 'VALID');
}

/** A layer that computes the ReLU after it, too, for less than the two take. */
interface WithRelu extends Layer {
  readonly withRelu: Layer;
}

/**
 * Batch normalisation over N, H, W. Parameters NAME.weight, NAME.bias [C]; statistics
 * NAME.running_mean, NAME.running_var [C].
 */
export function batchNorm(builder: NetworkBuilder, name: string, channels: number): Layer {
  const scale = builder.normParameter(`${name}.weight`, [channels], constant(1));
  const offset = builder.normParameter(`${name}.bias`, [channels], constant(0));
  const mean = builder.statistic(`${name}.running_mean`, [channels], 0);
  const variance = builder.statistic(`${name}.running_var`, [channels], 1);
  const layer =
    (positive: boolean): Layer =>
    (x, pass) =>
      nameScope(name, () => {
        const gamma = pass.parameter(scale) as Tensor1D;
        const beta = pass.parameter(offset) as Tensor1D;
        if (pass.mode === 'evaluation') {
          const [mu, sigma2] = [pass.statistic(mean), pass.statistic(variance)];
          const y = batchNormInference(x, gamma, beta, mu, sigma2);
          return positive ? kernels.relu(y) : y;
        }
        const batch = batchNormTraining(x, gamma, beta, { positive });
        pass.observe(mean, batch.mean);
        pass.observe(variance, batch.variance);
        return batch.y;
      });
  return Object.assign(layer(false), { withRelu: layer(true) });
}

/**
 * [N I] -> [N O]. Parameters NAME.weight [I O], NAME.bias [O].
 *
 * @param biasInitialiser null: there is no bias
 */
export function linear(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  initialiser: Initialiser = kaimingUniform,
  biasInitialiser: Initialiser | null = biasUniform(inputs),
  kind: TensorKind = {},
): Layer<Tensor2D, Tensor2D> {
  const weight = builder.parameter(`${name}.weight`, [inputs, outputs], initialiser, kind);
  const bias =
    biasInitialiser === null
      ? null
      : builder.parameter(`${name}.bias`, [outputs], biasInitialiser, kind);
  return (x, pass) =>
    nameScope(name, () => {
      const y = tf.matMul<Tensor2D>(x, matching(x, pass.parameter(weight)));
      return bias === null ? y : tf.add<Tensor2D>(y, matching(x, pass.parameter(bias)));
    });
}

/** The same as the last layer of a network: what pretrained weights of other classes are without. */
export function classifier(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  classes: number,
  initialiser: Initialiser = kaimingUniform,
  biasInitialiser: Initialiser = biasUniform(inputs),
): Layer<Tensor2D, Tensor2D> {
  return linear(builder, name, inputs, classes, initialiser, biasInitialiser, { isHead: true });
}

export const relu: Layer = (x) => kernels.relu(x);

/** [N H W C] -> [N H/2 W/2 C], rounded down: the largest of each 2x2. */
export const maxPool2: Layer = (x) =>
  nameScope('pool', () => pooling.maxPool(x, { size: 2, stride: 2, padding: 'VALID' }));

/** [N H W C] -> [N H/2 W/2 C], rounded up: the mean of each 2x2, of what there is at the border. */
export const averagePool2: Layer = (x) =>
  nameScope('pool', () => pooling.averagePool(x, { size: 2, stride: 2, padding: 'SAME' }));

/**
 * [N H W C] -> [N H/2 W/2 C], rounded up: the largest of each 3x3, two apart, padded by 1. For
 * what a ReLU gives: the padding is zeros, which are never larger.
 */
export const maxPoolOverlapping: Layer = (x) =>
  nameScope('pool', () => {
    const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
    return pooling.maxPool(padded, { size: 3, stride: 2, padding: 'VALID' });
  });

/** [N H W C] -> [N C]: the mean over each channel's plane, in float32. */
export const globalAveragePool: Layer<Tensor4D, Tensor2D> = (x) =>
  nameScope('pool', () => tf.mean(widened(x), [1, 2]));

/** The layers one after the other. */
export function sequence(...layers: readonly Layer[]): Layer {
  const joined = layers.flatMap((layer, i) => {
    if (layers[i + 1] === relu && 'withRelu' in layer) return [(layer as WithRelu).withRelu];
    const before = layers[i - 1];
    return layer === relu && before !== undefined && 'withRelu' in before ? [] : [layer];
  });
  return (x, pass) => joined.reduce((y, layer) => layer(y, pass), x);
}
