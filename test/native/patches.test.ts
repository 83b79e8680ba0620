// Convolution by patches, and its gradients, against sums in double precision.
import { expect, test } from 'vitest';
import { patchConv2d, suitsPatches } from '../../src/native/patches.js';
import { tf, type Tensor, type Tensor4D } from '../../src/native/tensorflow.js';
import { distance } from './support/compare.js';
import { normalTensors } from './support/normal.js';

type Shape = [number, number, number, number];

const normal = normalTensors(13);

/** The definition: y, and the gradients of sum(y dy), zero padding of (K - 1) / 2 on every side. */
function byDefinition(x: Tensor4D, filter: Tensor4D, dy: Tensor4D, stride: number) {
  const [n, h, w, inputs] = x.shape;
  const [kernel] = filter.shape;
  const [, down, across, outputs] = dy.shape;
  const [pixels, weights, slopes] = [x, filter, dy].map(
    (tensor) => tensor.dataSync() as Float32Array,
  ) as [Float32Array, Float32Array, Float32Array];
  const [y, dx, dFilter] = [dy, x, filter].map(({ size }) => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const add = (sums: Float64Array, at: number, a = NaN, b = NaN) => {
    sums[at] = (sums[at] ?? NaN) + a * b;
  };
  const half = (kernel - 1) / 2;
  for (let image = 0; image < n; image++)
    for (let row = 0; row < down; row++)
      for (let column = 0; column < across; column++)
        for (let tap = 0; tap < kernel * kernel; tap++) {
          const sourceRow = row * stride + Math.floor(tap / kernel) - half;
          const sourceColumn = column * stride + (tap % kernel) - half;
          if (sourceRow < 0 || sourceRow >= h || sourceColumn < 0 || sourceColumn >= w) continue;
          for (let i = 0; i < inputs; i++)
            for (let o = 0; o < outputs; o++) {
              const at = ((image * h + sourceRow) * w + sourceColumn) * inputs + i;
              const to = ((image * down + row) * across + column) * outputs + o;
              const weight = (tap * inputs + i) * outputs + o;
              add(y, to, pixels[at], weights[weight]);
              add(dx, at, slopes[to], weights[weight]);
              add(dFilter, weight, pixels[at], slopes[to]);
            }
        }
  return { y, dx, dFilter };
}

test.each([
  [3, 28, 28, 3, 1, 1, 8],
  [2, 9, 7, 3, 2, 8, 16],
  [50, 7, 7, 1, 2, 32, 64],
  [8, 14, 13, 3, 2, 16, 31],
  [3, 8, 8, 1, 1, 17, 33],
  [2, 5, 6, 5, 2, 3, 7],
  [5, 2, 2, 3, 1, 64, 40],
  [1, 2, 4, 3, 2, 9, 1],
  [2, 6, 6, 7, 2, 3, 64],
])(
  'is the definition, within float32 rounding: %i images %ix%i, kernel %i, stride %i, %i to %i',
  (n, h, w, kernel, stride, inputs, outputs) => {
    const [x, filter] = [normal(n, h, w, inputs), normal(kernel, kernel, inputs, outputs)];
    const dy = normal(n, Math.ceil(h / stride), Math.ceil(w / stride), outputs);
    const truth = byDefinition(x, filter, dy, stride);
    expect(distance(patchConv2d(x, filter, stride).dataSync(), truth.y)).toBeLessThan(1e-6);
    const loss = (a: Tensor, b: Tensor) =>
      tf.sum(tf.mul(patchConv2d(a as Tensor4D, b as Tensor4D, stride), dy));
    const [dx, dFilter] = tf.grads(loss)([x, filter]) as [Tensor, Tensor];
    expect(distance(dx.dataSync<'float32'>(), truth.dx)).toBeLessThan(1e-6);
    expect(distance(dFilter.dataSync<'float32'>(), truth.dFilter)).toBeLessThan(1e-6);
  },
);

test.each<[boolean, Shape, Shape, number]>([
  [true, [2, 28, 28, 8], [3, 3, 8, 16], 2],
  [true, [2, 7, 7, 32], [1, 1, 32, 64], 2],
  [true, [2, 2, 2, 64], [3, 3, 64, 64], 1],
  [false, [2, 28, 28, 3], [3, 3, 3, 16], 1],
  [false, [2, 8, 8, 64], [3, 3, 64, 128], 2],
  [false, [2, 8, 8, 128], [1, 1, 128, 64], 1],
  [false, [2, 1, 1, 16], [3, 3, 16, 16], 1],
  [false, [2, 8, 8, 16], [3, 3, 16, 16], 3],
  [false, [0, 8, 8, 16], [3, 3, 16, 16], 2],
])('is chosen: %s, for images %j and a filter %j of stride %i', (chosen, image, kernel, stride) => {
  expect(suitsPatches(tf.zeros(image), tf.zeros(kernel), stride)).toBe(chosen);
});

test.each<[string, number[], number[]]>([
  ['no image', [0, 8, 8, 8], [3, 3, 8, 16]],
  ['no output', [2, 8, 8, 8], [3, 3, 8, 0]],
  ['a filter of other channels', [2, 8, 8, 8], [3, 3, 9, 16]],
  ['an even filter', [2, 8, 8, 8], [2, 2, 8, 16]],
  ['an oblong filter', [2, 8, 8, 8], [3, 1, 8, 16]],
  ['an image smaller than half the filter', [2, 8, 1, 8], [3, 3, 8, 16]],
  ['a flat filter', [2, 8, 8, 8], [9, 8, 16]],
])('the ops refuse %s', (_, image, kernel) => {
  const [x, filter] = [tf.zeros(image), tf.zeros(kernel)];
  expect(() => patchConv2d(x as Tensor4D, filter as Tensor4D, 2)).toThrow(
    /do not fit together|rank 4/,
  );
});
