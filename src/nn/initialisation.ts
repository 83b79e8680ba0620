// Initial values of parameters, drawn on the host from a seeded stream.
import { sizeOf } from '../native/types.js';
import type { RandomStream } from '../util/random.js';

/** Fills a tensor of `shape` from `stream`. Kernels are [K K I O], linear weights [I O]. */
export type Initialiser = (shape: readonly number[], stream: RandomStream) => Float32Array;

/** Inputs that one output of a kernel or linear weight sums over: all extents but the last. */
const fanIn = (shape: readonly number[]): number => sizeOf(shape.slice(0, -1));

export const constant =
  (value: number): Initialiser =>
  (shape) =>
    new Float32Array(sizeOf(shape)).fill(value);

const uniformWithin = (bound: number, shape: readonly number[], stream: RandomStream) =>
  Float32Array.from({ length: sizeOf(shape) }, () => (2 * stream.uniform() - 1) * bound);

/** Uniform within +-1/sqrt(fan in): PyTorch's default weights (Kaiming uniform with a = sqrt 5). */
export const kaimingUniform: Initialiser = (shape, stream) =>
  uniformWithin(1 / Math.sqrt(fanIn(shape)), shape, stream);

/**
 * Uniform within +-1/sqrt(inputs): PyTorch's default biases, which take the fan in of their weight.
 */
export const biasUniform =
  (inputs: number): Initialiser =>
  (shape, stream) =>
    uniformWithin(1 / Math.sqrt(inputs), shape, stream);
