// Initial values of parameters, drawn on the host from a seeded stream.
import { sizeOf } from '../native/types.js';
import type { RandomStream } from '../util/random.js';

/** Fills a tensor of `shape` from `stream`. Kernels are [K K I O], linear weights [I O]. */
export type Initialiser = (shape: readonly number[], stream: RandomStream) => Float32Array;

/** Inputs that one output of a kernel or linear weight sums over: all extents but the last. */
const fanIn = (shape: readonly number[]): number => sizeOf(shape.slice(0, -1));

/** Outputs that one input of a kernel [K K I O] or linear weight [I O] goes to. */
const fanOut = (shape: readonly number[]): number =>
  sizeOf([...shape.slice(0, -2), shape.at(-1) ?? 1]);

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

const normalOf = (deviation: number, shape: readonly number[], stream: RandomStream) =>
  Float32Array.from({ length: sizeOf(shape) }, () => stream.normal() * deviation);

/** Normal with standard deviation sqrt(2 / fan in), for layers before a ReLU. */
export const kaimingNormalFanIn: Initialiser = (shape, stream) =>
  normalOf(Math.sqrt(2 / fanIn(shape)), shape, stream);

/** Normal with standard deviation sqrt(2 / (K K O)), for kernels [K K I O]. */
export const kaimingNormalFanOut: Initialiser = (shape, stream) =>
  normalOf(Math.sqrt(2 / fanOut(shape)), shape, stream);

/** Normal with a given standard deviation. */
export const normal =
  (deviation: number): Initialiser =>
  (shape, stream) =>
    normalOf(deviation, shape, stream);

export const zeros = constant(0);
