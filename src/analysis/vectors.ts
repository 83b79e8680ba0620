// Vectors of weights [P] on the host: sums in float64, drawn from seeded streams.
import { sizeOf } from '../native/types.js';
import type { TensorSpec } from '../nn/layout.js';
import type { RandomStream } from '../util/random.js';

export type Vector = Float32Array | Float64Array;

/** v [P] -> A v [P] for a symmetric matrix A [P P]. */
export type Product = (v: Float32Array) => Promise<Float32Array>;

/** The sum of a_i b_i for i from `from` to before `to`. */
export function dot(a: Vector, b: Vector, from = 0, to = a.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The smallest and the largest; Infinity and -Infinity of none. */
export function extentOf(values: ArrayLike<number>): readonly [low: number, high: number] {
  // A loop: as arguments of Math.min, 100,000 of them are more than the stack holds.
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i] as number);
    high = Math.max(high, values[i] as number);
  }
  return [low, high];
}

export const norm = (a: Vector): number => Math.sqrt(dot(a, a));

/** a / by, rounded to float32. */
export function divided(a: Vector, by: number): Float32Array {
  // Loops, here and below: `from` and `map` with a function take ten times as long.
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] as number) / by;
  return result;
}

/** The sum of factor_i vector_i, added up in float64 and rounded once. */
export function combination(
  ...terms: readonly (readonly [factor: number, vector: Vector])[]
): Float32Array {
  const sum = new Float64Array(terms[0]?.[1].length ?? 0);
  for (const [factor, vector] of terms) {
    for (let i = 0; i < sum.length; i++)
      sum[i] = (sum[i] as number) + factor * (vector[i] as number);
  }
  return new Float32Array(sum);
}

/** Where a tensor's weights lie in w [P]. */
export function rangeOf({ offset, shape }: TensorSpec): readonly [from: number, to: number] {
  return [offset, offset + sizeOf(shape)];
}

/** A draw from the standard normal distribution in each place [size]. */
export const drawNormal = (size: number, stream: RandomStream): Float32Array =>
  drawn(size, () => stream.normal());

/** +1 or -1 with equal probability in each place [size]. */
export const drawSigns = (size: number, stream: RandomStream): Float32Array =>
  drawn(size, () => (stream.bits() < 2 ** 31 ? 1 : -1));

function drawn(size: number, draw: () => number): Float32Array {
  const result = new Float32Array(size);
  for (let i = 0; i < size; i++) result[i] = draw();
  return result;
}
