// Second derivatives of every kernel, by themselves, against differences of the same function in double precision.
import { expect, test } from 'vitest';
import { conv2d } from '../../src/native/convolution.js';
import { crossEntropy, relu, sparseCrossEntropy } from '../../src/native/kernels.js';
import { batchNormInference, batchNormTraining } from '../../src/native/normalisation.js';
import { patchConv2d } from '../../src/native/patches.js';
import { averagePool, maxPool } from '../../src/native/pooling.js';
import { tf, type Scalar, type Tensor } from '../../src/native/tensorflow.js';
import { sizeOf } from '../../src/native/types.js';
import { gelu } from '../../src/native/transformer.js';
import { winogradConv2d } from '../../src/native/winograd.js';
import { NetworkBuilder } from '../../src/nn/network.js';
import { layerNorm } from '../../src/nn/transformer.js';
import { randomStream } from '../../src/util/random.js';
import * as f64 from './support/float64-ops.js';
import type { Array64, Op64 } from './support/float64-ops.js';

interface Case {
  readonly name: string;
  /** Of the inputs that are differentiated by. */
  readonly shapes: readonly (readonly number[])[];
  readonly op: (inputs: readonly Tensor[]) => Tensor;
  readonly reference: Op64;
  /** Keeps numbers this far from 0, and from each other in a window. */
  readonly apart?: boolean;
}

const filters = (kernel: number, inputs: number, outputs: number) => [
  kernel,
  kernel,
  inputs,
  outputs,
];
const convolutions = (
  name: string,
  image: readonly number[],
  filter: readonly number[],
  op: (x: Tensor, filter: Tensor) => Tensor,
  [stride, padding]: readonly [number, number],
): Case => ({
  name,
  shapes: [image, filter],
  op: ([x, f]) => op(x as Tensor, f as Tensor),
  reference: f64.convolution64(stride, padding),
});

const pooled = (size: number, stride: number, padding: 'SAME' | 'VALID') => ({
  size,
  stride,
  padding,
});
const STATISTICS = { mean: [0.2, -0.1, 0.4], variance: [0.5, 1.5, 1] };
const normalised = (positive: boolean): Case => ({
  name: `batch normalisation${positive ? ' and ReLU' : ''}, by the batch`,
  shapes: [[2, 3, 3, 3], [3], [3]],
  op: ([x, scale, offset]) =>
    batchNormTraining(x as never, scale as never, offset as never, { positive }).y,
  reference: f64.normalisation64(positive),
  apart: positive,
});

const TARGETS = [
  [0.7, 0.1, 0.1, 0.1],
  [0.1, 0.1, 0.7, 0.1],
  [0.25, 0.25, 0.25, 0.25],
];
const hot = (label: number) => [0, 1, 2, 3].map((k) => (k === label ? 1 : 0));

const builder = new NetworkBuilder();
const norm = layerNorm(builder, 'norm', 5, 1e-6);

const CASES: readonly Case[] = [
  convolutions(
    '3x3',
    [2, 4, 5, 3],
    filters(3, 3, 4),
    (x, f) => conv2d(x as never, f as never, 1, 'SAME'),
    [1, 1],
  ),
  convolutions(
    '3x3, two apart',
    [1, 5, 7, 3],
    filters(3, 3, 2),
    (x, f) => conv2d(x as never, f as never, 2, 'VALID'),
    [2, 0],
  ),
  convolutions(
    '1x1, two apart',
    [2, 5, 4, 3],
    filters(1, 3, 2),
    (x, f) => conv2d(x as never, f as never, 2, 'VALID'),
    [2, 0],
  ),
  convolutions(
    '1x1 of many channels, two apart',
    [1, 3, 3, 17],
    filters(1, 17, 3),
    (x, f) => conv2d(x as never, f as never, 2, 'VALID'),
    [2, 0],
  ),
  convolutions(
    'Winograd',
    [1, 5, 6, 8],
    filters(3, 8, 9),
    (x, f) => winogradConv2d(x as never, f as never),
    [1, 1],
  ),
  convolutions(
    'patches 3x3',
    [2, 5, 4, 8],
    filters(3, 8, 3),
    (x, f) => patchConv2d(x as never, f as never, 1),
    [1, 1],
  ),
  convolutions(
    'patches 3x3, two apart',
    [1, 5, 6, 8],
    filters(3, 8, 3),
    (x, f) => patchConv2d(x as never, f as never, 2),
    [2, 1],
  ),
  convolutions(
    'patches 1x1, two apart',
    [1, 5, 4, 9],
    filters(1, 9, 2),
    (x, f) => patchConv2d(x as never, f as never, 2),
    [2, 0],
  ),
  {
    name: 'ReLU',
    shapes: [[3, 6]],
    op: ([x]) => relu(x as Tensor),
    reference: f64.relu64,
    apart: true,
  },
  {
    name: 'max-pooling, overlapping',
    shapes: [[2, 5, 7, 2]],
    op: ([x]) => maxPool(x as never, pooled(3, 2, 'VALID')),
    reference: f64.pooling64(3, 2, 'VALID', f64.largest),
    apart: true,
  },
  {
    name: 'average-pooling over the border',
    shapes: [[1, 5, 4, 3]],
    op: ([x]) => averagePool(x as never, pooled(2, 2, 'SAME')),
    reference: f64.pooling64(2, 2, 'SAME', f64.meanOf),
  },
  normalised(false),
  normalised(true),
  {
    name: 'batch normalisation by given statistics',
    shapes: [[2, 3, 3, 3], [3], [3]],
    op: ([x, scale, offset]) =>
      batchNormInference(
        ...([
          x,
          scale,
          offset,
          tf.tensor1d(STATISTICS.mean),
          tf.tensor1d(STATISTICS.variance),
        ] as never as Parameters<typeof batchNormInference>),
      ),
    reference: f64.normalisation64(false, STATISTICS),
  },
  {
    name: 'layer normalisation',
    shapes: [[2, 3, 5], [5], [5]],
    op: ([x, scale, offset]) =>
      norm(
        x as never,
        { mode: 'evaluation', parameter: (i: number) => [scale, offset][i] } as never,
      ),
    reference: f64.layerNorm64(1e-6),
  },
  { name: 'GELU', shapes: [[3, 5]], op: ([x]) => gelu(x as Tensor), reference: f64.gelu64 },
  {
    name: 'softmax',
    shapes: [[3, 4]],
    op: ([x]) => tf.softmax(x as Tensor),
    reference: f64.softmax64,
  },
  { name: 'tanh', shapes: [[3, 4]], op: ([x]) => tf.tanh(x as Tensor), reference: f64.tanh64 },
  {
    name: 'cross-entropy against labels',
    shapes: [[3, 4]],
    op: ([x]) => sparseCrossEntropy(x as never, tf.tensor1d([2, 0, 3], 'int32')),
    reference: f64.crossEntropy64([hot(2), hot(0), hot(3)]),
  },
  {
    name: 'cross-entropy against distributions',
    shapes: [[3, 4]],
    op: ([x]) => crossEntropy(x as never, tf.tensor2d(TARGETS)),
    reference: f64.crossEntropy64(TARGETS),
  },
];

const random = randomStream(1, 'synthetic');
const draw = (length: number, apart = false): Float64Array => {
  const values = Float64Array.from({ length }, () => Math.fround(2 * random.uniform() - 1));
  // Steps of 1/16 from each other and 1/32 from 0, in an order drawn at random.
  if (apart)
    random.permutation(length).forEach((place, i) => (values[i] = (place - length / 2 + 0.5) / 16));
  return values;
};

/** F = sum c (y + y^2 / 2), which has a second derivative even where y is linear. */
const doubly = (reference: Op64, c: Float64Array) => (inputs: readonly Array64[]) =>
  reference(inputs).data.reduce((sum, y, i) => sum + c[i]! * (y + (y * y) / 2), 0);

/** d2 F / ds dt at inputs + s u + t v. */
function mixed(
  of: (inputs: readonly Array64[]) => number,
  x: readonly Array64[],
  u: readonly Float64Array[],
  v: readonly Float64Array[],
): number {
  const h = 1e-4;
  const value = (s: number, t: number) =>
    of(
      x.map(({ shape, data }, k) => ({
        shape,
        data: data.map((one, i) => one + s * h * u[k]![i]! + t * h * v[k]![i]!),
      })),
    );
  return (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * h * h);
}

test.each(CASES)('$name', ({ shapes, op, reference, apart = false }) => {
  const x = shapes.map((shape, i): Array64 => ({
    shape,
    data: draw(sizeOf(shape), apart && i === 0),
  }));
  const [u, v] = [0, 1].map(() => shapes.map((shape) => draw(sizeOf(shape)))) as [
    Float64Array[],
    Float64Array[],
  ];
  const c = draw(reference(x).data.length);
  const before = tf.memory().numTensors;
  const [uHv, vHu] = tf.tidy(() => {
    const tensors = (arrays: readonly Float64Array[]) =>
      arrays.map((data, i) => tf.tensor(Float32Array.from(data), [...shapes[i]!]));
    const inputs = tensors(x.map(({ data }) => data));
    const of = (...at: Tensor[]): Scalar => {
      const y = op(at);
      expect(y.shape).toEqual(y.shape.length === 1 ? [c.length] : reference(x).shape);
      const weights = tf.tensor(Float32Array.from(c), y.shape);
      return tf.sum(tf.mul(weights, tf.add(y, tf.mul(tf.square(y), 0.5))));
    };
    const dot = (a: readonly Tensor[], b: readonly Tensor[]) =>
      a.map((one, i) => tf.sum<Scalar>(tf.mul(one, b[i]!))).reduce((sum, one) => tf.add(sum, one));
    const product = (of64: readonly Float64Array[]) => {
      const along = tensors(of64);
      return tf.grads((...at: Tensor[]) => dot(tf.grads(of)(at), along))(inputs);
    };
    const number = (a: readonly Tensor[], b: readonly Float64Array[]) =>
      dot(a, tensors(b)).dataSync()[0]!;
    return [number(product(v), u), number(product(u), v)];
  });
  const wanted = mixed(doubly(reference, c), x, u, v);
  const scale = Math.max(1, Math.abs(wanted));
  expect(Math.abs(uHv - wanted) / scale).toBeLessThan(2e-5);
  expect(Math.abs(uHv - vHu) / scale).toBeLessThan(2e-5);
  expect(tf.memory().numTensors).toBe(before);
});
