// How tests compare numbers: by relative distance, with the place of a failure in the message.
import { expect } from 'vitest';

export type Numbers = ArrayLike<number>;

/** L2 norm, in double precision. */
export function l2(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
}

/** |got - wanted| / |wanted|, as vectors. */
export function distance(got: Numbers, wanted: Numbers): number {
  expect(got.length).toBe(wanted.length);
  let [difference, length] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    difference += ((got[i] as number) - (wanted[i] as number)) ** 2;
    length += (wanted[i] as number) ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / length);
}

/** Expects `got` within `tolerance` of `wanted`, relative to the length of `wanted`. */
export function expectNear(
  what: string,
  got: Numbers | number,
  wanted: Numbers | number,
  tolerance: number,
): void {
  const vector = (value: Numbers | number) => (typeof value === 'number' ? [value] : value);
  expect(distance(vector(got), vector(wanted)), `${what}: relative distance`).toBeLessThan(
    tolerance,
  );
}

/** About every second one has such a run. */
export const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/**
 * Expects that `differences` finds none under one of the seeds. Some runs have a ReLU whose input is
 * so near 0 that a rounding error turns it over, which moves its gradients by 1e-4 and more; what
 * computes something else does so under every seed.
 */
export function expectNoDifferences(
  differences: (seed: number) => readonly string[],
  seeds: readonly number[] = SEEDS,
): void {
  const found: string[][] = [];
  for (const seed of seeds) {
    const these = differences(seed);
    if (these.length === 0) return;
    found.push([...these]);
  }
  expect(found).toEqual([]);
}
