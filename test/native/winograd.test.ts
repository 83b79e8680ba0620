// Winograd's convolution against direct convolution and against sums in double precision.
import { expect, test } from 'vitest';
import { conv2d } from '../../src/native/convolution.js';
import { tf, type Tensor, type Tensor4D } from '../../src/native/tensorflow.js';
import { suitsWinograd, winogradConv2d } from '../../src/native/winograd.js';
import { distance } from './support/compare.js';
import { normalTensors } from './support/normal.js';

type Convolution = (x: Tensor4D, filter: Tensor4D) => Tensor4D;

const direct: Convolution = (x, filter) => conv2d(x, filter, 1, 'SAME');

const normal = normalTensors(7);

/** The definition, in double precision: zero padding of 1 on every side. */
function byDefinition(x: Tensor4D, filter: Tensor4D): Float64Array {
  const [n, h, w, inputs] = x.shape;
  const outputs = filter.shape[3];
  const [pixels, weights] = [x.dataSync(), filter.dataSync()];
  const result = new Float64Array(n * h * w * outputs);
  for (let i = 0; i < result.length; i++) {
    const o = i % outputs;
    const column = Math.floor(i / outputs) % w;
    const row = Math.floor(i / (outputs * w)) % h;
    const image = Math.floor(i / (outputs * w * h));
    let sum = 0;
    for (let ky = 0; ky < 3; ky++) {
      for (let kx = 0; kx < 3; kx++) {
        const [sy, sx] = [row + ky - 1, column + kx - 1];
        if (sy < 0 || sy >= h || sx < 0 || sx >= w) continue;
        for (let c = 0; c < inputs; c++) {
          sum +=
            (pixels[((image * h + sy) * w + sx) * inputs + c] ?? NaN) *
            (weights[((ky * 3 + kx) * inputs + c) * outputs + o] ?? NaN);
        }
      }
    }
    result[i] = sum;
  }
  return result;
}

test.each([
  [1, 4, 4, 32, 32],
  [3, 8, 4, 64, 32],
  [5, 12, 16, 32, 96],
  [2, 4, 4, 256, 64],
  [2, 7, 7, 8, 8],
  [3, 14, 13, 16, 24],
  [5, 6, 3, 31, 47],
  [2, 1, 9, 17, 33],
  [1, 5, 4, 1, 3],
])('is the definition, within float32 rounding: %i images %ix%i, %i to %i', (n, h, w, i, o) => {
  const [x, filter] = [normal(n, h, w, i), normal(3, 3, i, o)];
  const truth = byDefinition(x, filter);
  expect(distance(winogradConv2d(x, filter).dataSync(), truth)).toBeLessThan(1.2e-6);
  expect(distance(direct(x, filter).dataSync(), truth)).toBeLessThan(1e-6);
});

test('errors do not add up where all values are equal', () => {
  const y = winogradConv2d(tf.ones([1, 4, 4, 32]), tf.ones([3, 3, 32, 32]));
  const wanted = direct(tf.ones([1, 4, 4, 32]), tf.ones([3, 3, 32, 32])).dataSync();
  expect(
    Math.max(...y.dataSync().map((sum, i) => Math.abs(sum / (wanted[i] ?? NaN) - 1))),
  ).toBeLessThan(1.5e-6);
});

test.each([
  [1, 4, 4, 32, 32],
  [3, 8, 4, 64, 32],
  [70, 8, 8, 32, 96],
  [33, 4, 4, 256, 64],
  [50, 7, 7, 8, 8],
  [40, 14, 13, 16, 24],
  [5, 6, 3, 31, 47],
  [2, 1, 9, 17, 33],
  [1, 5, 4, 1, 3],
])('has the gradients of direct convolution: %i images %ix%i, %i to %i', (n, h, w, i, o) => {
  const [x, filter, dy] = [normal(n, h, w, i), normal(3, 3, i, o), normal(n, h, w, o)];
  const gradients = (convolution: Convolution): Float32Array[] => {
    const loss = (a: Tensor, b: Tensor) =>
      tf.sum(tf.mul(convolution(a as Tensor4D, b as Tensor4D), dy));
    return tf
      .grads(loss)([x, filter])
      .map((tensor) => tensor.dataSync<'float32'>());
  };
  const [dx = [], dFilter = []] = gradients(winogradConv2d);
  const [wantedX = [], wantedFilter = []] = gradients(direct);
  expect(dx).toHaveLength(x.size);
  expect(dFilter).toHaveLength(filter.size);
  expect(distance(dx, wantedX)).toBeLessThan(2e-6);
  expect(distance(dFilter, wantedFilter)).toBeLessThan(2e-6);
});

test.each([
  [true, [2, 32, 32, 64], [3, 3, 64, 128]],
  [true, [2, 4, 8, 32], [3, 3, 32, 96]],
  [true, [2, 7, 7, 8], [3, 3, 8, 17]],
  [true, [2, 6, 6, 64], [3, 3, 64, 64]],
  [false, [2, 5, 5, 64], [3, 3, 64, 64]],
  [false, [2, 2, 2, 512], [3, 3, 512, 512]],
  [false, [2, 8, 8, 3], [3, 3, 3, 64]],
  [false, [2, 8, 8, 64], [3, 3, 64, 7]],
  [false, [0, 8, 8, 64], [3, 3, 64, 64]],
  [false, [2, 8, 8, 64], [3, 3, 64, 0]],
])('is chosen: %s, for images %j and a filter %j', (chosen, image, kernel) => {
  const shape = (extents: number[]) => extents as [number, number, number, number];
  expect(suitsWinograd(tf.zeros(shape(image)), tf.zeros(shape(kernel)))).toBe(chosen);
});

test.each([
  ['no channel', [2, 8, 8, 0], [3, 3, 0, 32]],
  ['no pixel', [2, 8, 0, 32], [3, 3, 32, 32]],
  ['no output', [2, 8, 8, 32], [3, 3, 32, 0]],
  ['no image', [0, 8, 8, 32], [3, 3, 32, 32]],
  ['a filter of other channels', [2, 8, 8, 64], [3, 3, 32, 32]],
  ['a larger filter', [2, 8, 8, 32], [5, 5, 32, 32]],
  ['a flat filter', [2, 8, 8, 32], [9, 32, 32]],
])('the op refuses %s', (_, image, kernel) => {
  const [x, filter] = [tf.zeros(image), tf.zeros(kernel)];
  expect(() => winogradConv2d(x as Tensor4D, filter as Tensor4D)).toThrow(
    /do not fit together|rank 4/,
  );
});
