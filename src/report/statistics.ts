// Numbers over seeds: what describes them, and the tests of a difference between two means.
import jstat from 'jstat';
import { required } from '../util/errors.js';

const { studentt } = jstat;

export interface Description {
  readonly n: number;
  readonly mean: number;
  /** Of the sample (n - 1); null for n = 1. */
  readonly std: number | null;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function describe(values: readonly number[]): Description {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const at = (rank: number): number => required(sorted[rank], `value ${rank}`);
  return {
    n,
    mean: mean(values),
    std: n < 2 ? null : Math.sqrt(variance(values)),
    median: (at(Math.floor((n - 1) / 2)) + at(Math.ceil((n - 1) / 2))) / 2,
    min: at(0),
    max: at(n - 1),
  };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of the sample: over n - 1. */
function variance(values: readonly number[]): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}

export interface TTest {
  readonly kind: 'paired' | 'Welch';
  /** Of the means: that of the first minus that of the second. */
  readonly difference: number;
  readonly t: number;
  readonly dof: number;
  /** Two-sided. */
  readonly p: number;
  /** Of the difference, 95 %. */
  readonly interval: readonly [number, number];
}

/**
 * Student's test of the differences a[i] - b[i]; at least two pairs. Null where all differences
 * are the same number, so that nothing can be said of their spread.
 */
export function pairedTest(a: readonly number[], b: readonly number[]): TTest | null {
  const differences = a.map((value, i) => value - required(b[i], `the partner of value ${i}`));
  const n = differences.length;
  const standardError = Math.sqrt(variance(differences) / n);
  return testOf('paired', mean(differences), standardError, n - 1, largest([...a, ...b]));
}

/** Welch's test, for unequal variances; at least two values each. Null where neither varies. */
export function welchTest(a: readonly number[], b: readonly number[]): TTest | null {
  const [va, vb] = [variance(a) / a.length, variance(b) / b.length];
  const dof = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  return testOf('Welch', mean(a) - mean(b), Math.sqrt(va + vb), dof, largest([...a, ...b]));
}

const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

/** A spread that is this small a part of the values is what rounding leaves of none. */
const ROUNDING = 1e-9;

function testOf(
  kind: TTest['kind'],
  difference: number,
  standardError: number,
  dof: number,
  scale: number,
): TTest | null {
  if (standardError <= ROUNDING * scale) return null;
  const t = difference / standardError;
  const half = studentt.inv(0.975, dof) * standardError;
  return {
    kind,
    difference,
    t,
    dof,
    p: 2 * studentt.cdf(-Math.abs(t), dof),
    interval: [difference - half, difference + half],
  };
}

/** Holm's step-down adjustment of p values, in their order: what holds for all of them at once. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(values.length);
  let largest = 0;
  order.forEach(({ p, index }, rank) => {
    largest = Math.max(largest, Math.min(1, p * (values.length - rank)));
    adjusted[index] = largest;
  });
  return adjusted;
}
