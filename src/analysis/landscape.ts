// The points of a line, of a plane, and of the way between two networks.
import { combination } from './vectors.js';

/** `count` numbers from one to the other, both included. */
export function evenly(from: number, to: number, count: number): number[] {
  // In this form the ends are exact, and the middle of -a and a is 0.
  const steps = count - 1;
  return steps === 0
    ? [from]
    : Array.from({ length: count }, (_, i) => ((steps - i) * from + i * to) / steps);
}

/** Where a point lies, in the lengths of the directions: [a] on a line or path, [a b] in a plane. */
export type Place = readonly number[];

export const linePlaces = (along: readonly number[]): Place[] => along.map((a) => [a]);

/** Row by row: the second number changes first. */
export const planePlaces = (along: readonly number[], across: readonly number[]): Place[] =>
  along.flatMap((a) => across.map((b) => [a, b]));

/** w + a x (+ b y) [P]; w itself in the middle. */
export const slicePoint =
  (w: Float32Array, directions: readonly Float32Array[]) =>
  (place: Place): Float32Array =>
    combination([1, w], ...directions.map((x, i) => [place[i] ?? 0, x] as const));

/** (1 - t) w0 + t w1 [P]; exactly w0 at t = 0 and w1 at t = 1. */
export const pathPoint =
  (w0: Float32Array, w1: Float32Array) =>
  ([t = 0]: Place): Float32Array =>
    combination([1 - t, w0], [t, w1]);
