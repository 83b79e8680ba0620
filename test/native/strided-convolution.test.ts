// Strided 1x1 convolutions of few channels, whose filter gradient oneDNN gets wrong: against sums in
// double precision.
import './support/with-onednn.js';
import { expect, test } from 'vitest';
import { conv2d } from '../../src/native/convolution.js';
import { tf, type Tensor, type Tensor4D } from '../../src/native/tensorflow.js';
import { distance } from './support/compare.js';
import { normalTensors } from './support/normal.js';

const normal = normalTensors(11);

/** Sum over images and pixels of x [N H W I], every second row and column, times dy [N H/2 W/2 O]. */
function byDefinition(x: Tensor4D, dy: Tensor4D): Float64Array {
  const [, height, width, inputs] = x.shape;
  const [n, down, across, outputs] = dy.shape;
  const [pixels, slopes] = [x.dataSync(), dy.dataSync()];
  const sums = new Float64Array(inputs * outputs);
  for (let image = 0; image < n; image++)
    for (let row = 0; row < down; row++)
      for (let column = 0; column < across; column++)
        for (let i = 0; i < inputs; i++)
          for (let o = 0; o < outputs; o++)
            sums[i * outputs + o] =
              (sums[i * outputs + o] ?? NaN) +
              (pixels[((image * height + 2 * row) * width + 2 * column) * inputs + i] ?? NaN) *
                (slopes[((image * down + row) * across + column) * outputs + o] ?? NaN);
  return sums;
}

test.each([
  [32, 28, 1, 8],
  [32, 28, 2, 4],
  [32, 28, 4, 8],
  [32, 28, 7, 8],
  [32, 14, 3, 16],
  [33, 7, 5, 10],
  [5, 8, 8, 16],
  [33, 14, 12, 24],
  [2, 14, 15, 32],
  [32, 28, 16, 32],
])('%i images of %i pixels, %i to %i channels', (n, size, inputs, outputs) => {
  const [x, filter] = [normal(n, size, size, inputs), normal(1, 1, inputs, outputs)];
  const half = Math.ceil(size / 2);
  const dy = normal(n, half, half, outputs);
  const loss = (w: Tensor) => tf.sum(tf.mul(conv2d(x, w as Tensor4D, 2, 'SAME'), dy));
  const truth = byDefinition(x, dy);
  // It writes where it must not: more often than once, so that it is seen.
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(distance(tf.grad(loss)(filter).dataSync<'float32'>(), truth)).toBeLessThan(2e-6);
  }
});
