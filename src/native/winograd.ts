// 3x3 convolution with a quarter of the multiplications: Winograd's minimal filtering F(4x4, 3x3).
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308). Each tile
// of 4x4 outputs comes from 36 products instead of 144; the transforms before and after are small
// matrix products along H and along W. Composed of matrix products and transpositions only, it is
// differentiated by tfjs's tape like any other code. Its rounding errors are those of float32 sums
// in another order, some times larger than direct convolution's (test/native/winograd.test.ts).
import { usesStockOps } from './stock-ops.js';
import { eagerBackend, tf, type Tensor, type Tensor4D } from './tensorflow.js';

/** Outputs of a tile along one axis, and its points. */
const [TILE, POINTS] = [4, 6];

const INPUT = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
const FILTER = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
const OUTPUT = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/** All tiles of an axis at once: [points of all tiles, length], zero padding of 1 included. */
function inputMatrix(length: number): Tensor {
  const tiles = length / TILE;
  const rows = Array.from({ length: POINTS * tiles }, (_, row) => {
    const [point, tile] = [Math.floor(row / tiles), row % tiles];
    return Array.from({ length }, (_, x) => INPUT[point]?.[x + 1 - TILE * tile] ?? 0);
  });
  return tf.tensor2d(rows);
}

/** [length, points of all tiles]. */
function outputMatrix(length: number): Tensor {
  const tiles = length / TILE;
  const rows = Array.from({ length }, (_, x) =>
    Array.from({ length: POINTS * tiles }, (_, column) => {
      const [point, tile] = [Math.floor(column / tiles), column % tiles];
      return Math.floor(x / TILE) === tile ? (OUTPUT[x % TILE]?.[point] ?? 0) : 0;
    }),
  );
  return tf.tensor2d(rows);
}

/** Filter transform along both axes: [36, 9]. */
function filterMatrix(): Tensor {
  const rows = FILTER.flatMap((a) => FILTER.map((b) => a.flatMap((p) => b.map((q) => p * q))));
  return tf.tensor2d(rows);
}

/** With fewer channels, or in larger images, the transforms cost what the products save. */
const [LEAST_CHANNELS, LARGEST_SIDE] = [64, 16];

/**
 * Whether the product of x [N H W I] and a filter [3 3 I O] is quicker computed so: measured on
 * CPUs (`fsam bench`). On a GPU cuDNN chooses its own algorithms.
 */
export function suitsWinograd(x: Tensor4D, filter: Tensor4D): boolean {
  const [, h, w] = x.shape;
  const [, , inputs, outputs] = filter.shape;
  return (
    Math.min(inputs, outputs) >= LEAST_CHANNELS &&
    Math.max(h, w) <= LARGEST_SIDE &&
    h % TILE === 0 &&
    w % TILE === 0 &&
    !usesStockOps() &&
    !eagerBackend().binding.isUsingGpuDevice()
  );
}

/** x [N H W I] * filter [3 3 I O] -> [N H W O], zero padding of 1; H and W are multiples of 4. */
export function winogradConv2d(x: Tensor4D, filter: Tensor4D): Tensor4D {
  const [n, h, w, inputs] = x.shape;
  const outputs = filter.shape[3];
  const [th, tw] = [h / TILE, w / TILE];
  const alongH = tf.matMul(inputMatrix(h), x.reshape([n, h, w * inputs]));
  const alongW = tf.matMul(inputMatrix(w), alongH.reshape([n * POINTS * th, w, inputs]));
  const v = tf
    .transpose(alongW.reshape([n, POINTS, th, POINTS, tw, inputs]), [1, 3, 0, 2, 4, 5])
    .reshape([POINTS * POINTS, n * th * tw, inputs]);
  const u = tf
    .matMul(filterMatrix(), filter.reshape([9, inputs * outputs]))
    .reshape([POINTS * POINTS, inputs, outputs]);
  const m = tf
    .transpose(tf.matMul(v, u).reshape([POINTS, POINTS, n, th, tw, outputs]), [2, 0, 3, 1, 4, 5])
    .reshape([n * POINTS * th, POINTS * tw, outputs]);
  const backW = tf.matMul(outputMatrix(w), m).reshape([n, POINTS * th, w * outputs]);
  return tf.matMul(outputMatrix(h), backW).reshape([n, h, w, outputs]);
}
