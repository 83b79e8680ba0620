// Batch normalisation, with and without ReLU, against its definition in double precision.
import { describe, expect, test } from 'vitest';
import { batchNormTraining } from '../../src/native/normalisation.js';
import { tf, type Tensor, type Tensor1D, type Tensor4D } from '../../src/native/tensorflow.js';
import { randomStream } from '../../src/util/random.js';
import { expectNear } from './support/compare.js';

type Numbers = ArrayLike<number>;
type Shape = [number, number, number, number];

const stream = randomStream(11, 'synthetic');

const normal = (size: number, mean = 0, deviation = 1) =>
  Float32Array.from({ length: size }, () => mean + deviation * stream.normal());

interface Case {
  readonly x: Numbers;
  readonly scale: Numbers;
  readonly offset: Numbers;
  readonly dy: Numbers;
}

function draw([n, h, w, c]: Shape, mean: number): Case {
  const size = n * h * w * c;
  return { x: normal(size, mean), scale: normal(c, 1), offset: normal(c), dy: normal(size) };
}

/** The textbook's, with the gradients of sum(y dy): eps 1e-5. */
function byDefinition({ x, scale, offset, dy }: Case, channels: number, positive: boolean) {
  const rows = x.length / channels;
  const at = (values: Numbers, i: number) => values[i] as number;
  const sums = (term: (i: number, c: number) => number) => {
    const result = new Float64Array(channels);
    for (let i = 0; i < x.length; i++)
      result[i % channels] = at(result, i % channels) + term(i, i % channels);
    return result;
  };
  const mean = sums((i) => at(x, i)).map((sum) => sum / rows);
  const biased = sums((i, c) => (at(x, i) - at(mean, c)) ** 2).map((sum) => sum / rows);
  const hat = Float64Array.from({ length: x.length }, (_, i) => {
    const c = i % channels;
    return (at(x, i) - at(mean, c)) / Math.sqrt(at(biased, c) + 1e-5);
  });
  const before = hat.map((value, i) => value * at(scale, i % channels) + at(offset, i % channels));
  const gated = before.map((value, i) => (positive && value <= 0 ? 0 : at(dy, i)));
  const dOffset = sums((i) => at(gated, i));
  const dScale = sums((i) => at(gated, i) * at(hat, i));
  const dx = hat.map((value, i) => {
    const c = i % channels;
    const pull = (at(dOffset, c) + value * at(dScale, c)) / rows;
    return (at(scale, c) / Math.sqrt(at(biased, c) + 1e-5)) * (at(gated, i) - pull);
  });
  return {
    y: before.map((value) => (positive ? Math.max(0, value) : value)),
    mean,
    variance: biased.map((value) => (value * rows) / Math.max(1, rows - 1)),
    gradients: [dx, dScale, dOffset],
  };
}

describe.each([false, true])('with ReLU: %s', (positive) => {
  test.each<[Shape, number]>([
    [[2, 4, 4, 32], 0],
    [[50, 28, 28, 8], 1],
    [[3, 5, 7, 31], -2],
    [[8, 8, 8, 137], 0],
    [[2, 3, 3, 1], 0],
    [[1, 1, 3, 5], 0],
    [[4, 16, 16, 16], 100],
  ])('is the definition, within float32 rounding: %j of mean %d', (shape, mean) => {
    const example = draw(shape, mean);
    const channels = shape[3];
    const wanted = byDefinition(example, channels, positive);
    const x = tf.tensor4d(example.x as Float32Array, shape);
    const dy = tf.tensor4d(example.dy as Float32Array, shape);
    const scale = tf.tensor1d(example.scale as Float32Array);
    const offset = tf.tensor1d(example.offset as Float32Array);
    const got = batchNormTraining(x, scale, offset, { positive });
    // A value of size |mean| is rounded before anything is computed of it.
    const rounding = 1e-6 * Math.max(1, Math.abs(mean));
    expectNear('y', got.y.dataSync(), wanted.y, rounding);
    expectNear('mean', got.mean.dataSync(), wanted.mean, 1e-6);
    expectNear('variance', got.variance.dataSync(), wanted.variance, rounding);
    const loss = (...inputs: Tensor[]) =>
      tf.sum(
        tf.mul(
          batchNormTraining(inputs[0] as Tensor4D, inputs[1] as Tensor1D, inputs[2] as Tensor1D, {
            positive,
          }).y,
          dy,
        ),
      );
    tf.grads(loss)([x, scale, offset]).forEach((gradient, i) => {
      expectNear(`gradient ${i}`, gradient.dataSync(), wanted.gradients[i] ?? [], 5 * rounding);
    });
  });

  test('an x that is not a number stays one', () => {
    const x = tf.tensor4d([1, NaN, 2, 3], [1, 2, 1, 2]);
    const { y } = batchNormTraining(x, tf.ones([2]), tf.zeros([2]), { positive });
    const values = [...y.dataSync()];
    expect(values.map(Number.isNaN)).toEqual([false, true, false, true]);
  });

  test.each<[string, Shape, number, number]>([
    ['no image', [0, 4, 4, 8], 8, 8],
    ['a scale of other channels', [2, 4, 4, 8], 7, 8],
    ['an offset of other channels', [2, 4, 4, 8], 8, 9],
  ])('refuses %s', (_, shape, scale, offset) => {
    expect(() =>
      batchNormTraining(tf.zeros(shape), tf.zeros([scale]), tf.zeros([offset]), { positive }),
    ).toThrow('do not fit together');
  });
});
