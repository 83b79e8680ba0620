// Directions of slices through the loss: random, and scaled like the weights.
//
// Li et al., "Visualizing the Loss Landscape of Neural Nets" (arXiv 1712.09913). A network whose filters
// are scaled up and down computes much the same, so that each filter of a direction gets the length of the
// same filter of w.
import { sizeOf } from '../native/types.js';
import type { TensorSpec } from '../nn/layout.js';
import { firstOfPytorch } from '../nn/pytorch-layout.js';
import { randomStream } from '../util/random.js';
import { drawNormal, rangeOf } from './vectors.js';

/** Keeps 0 / 0 away; the authors' value. */
const TINY = 1e-10;

/** Direction number `number` [size]: normal, of mean 0, drawn by seed and number alone. */
export const drawDirection = (size: number, seed: number, number: number): Float32Array =>
  drawNormal(size, randomStream(seed, 'landscape-direction', number));

/** Which slice of a tensor the number at a place belongs to. */
interface Slices {
  readonly count: number;
  readonly of: (place: number) => number;
}

/**
 * A filter of a kernel [K K I O], a neuron of [I O], a row of a table [V D]: one along each place of what is PyTorch's
 * first axis. Tokens [1 T D] are one.
 */
function slicesOf(tensor: TensorSpec): Slices {
  const { shape } = tensor;
  if (shape.length === 3 && shape[0] === 1) return { count: 1, of: () => 0 };
  const axis = firstOfPytorch(tensor);
  const count = shape[axis] ?? 1;
  const step = sizeOf(shape.slice(axis + 1));
  return { count, of: (place) => Math.floor(place / step) % count };
}

/** What tensors of one axis get: nothing, or w itself, so that a line scales them, too. */
export type OneAxis = 'zero' | 'weights';

/**
 * d [P] with each slice as long as w's. `oneAxis` is for biases and for scales of normalisations; that of the
 * authors' code, unless told otherwise, is `weights`.
 */
export function filterNormalised(
  d: Float32Array,
  w: Float32Array,
  tensors: readonly TensorSpec[],
  oneAxis: OneAxis = 'zero',
): Float32Array {
  const result = new Float32Array(d.length);
  for (const tensor of tensors) {
    const [from, to] = rangeOf(tensor);
    if (tensor.shape.length > 1) normaliseSlices(result, d, w, tensor);
    else if (oneAxis === 'weights') result.set(w.subarray(from, to), from);
  }
  return result;
}

function normaliseSlices(
  result: Float32Array,
  d: Float32Array,
  w: Float32Array,
  tensor: TensorSpec,
): void {
  const slices = slicesOf(tensor);
  const [from, to] = rangeOf(tensor);
  // Squared lengths, then factors; memory is read in its order.
  const [ofD, ofW] = [new Float64Array(slices.count), new Float64Array(slices.count)];
  for (let i = from; i < to; i++) {
    const slice = slices.of(i - from);
    ofD[slice] = (ofD[slice] as number) + (d[i] as number) ** 2;
    ofW[slice] = (ofW[slice] as number) + (w[i] as number) ** 2;
  }
  const factors = ofD.map((square, slice) => {
    return Math.sqrt(ofW[slice] as number) / (Math.sqrt(square) + TINY);
  });
  for (let i = from; i < to; i++) {
    result[i] = (factors[slices.of(i - from)] as number) * (d[i] as number);
  }
}
