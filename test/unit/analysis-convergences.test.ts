// The table of `analyze convergence` and what it says, against numbers worked out by hand.
import { expect, test } from 'vitest';
import { analyseConvergence, type ProbedRun } from '../../src/analysis/convergences.js';

/** Probes at these steps: |f|, the cosines of average and gradient with f, and the average's error. */
const probed = (
  rows: readonly (readonly [step: number, f: number, m?: number, g?: number, error?: number])[],
  changes: Partial<ProbedRun> = {},
): ProbedRun => ({
  label: 'fsam',
  seed: 1,
  samples: 'all',
  examples: 'images',
  ...changes,
  rows: rows.map(([step, f, m, g, error]) => ({
    step: String(step),
    full_gradient_norm: String(f),
    cosine_average_full: String(m ?? ''),
    cosine_gradient_full: String(g ?? ''),
    average_error: String(error ?? ''),
  })),
});

// Squares 16, 4, 1 and 3: means 16, 10, 7 and 6. The last factor of ten in steps is 10, 50 and 100.
const FIRST = [
  [1, 4, 0, 0.3, 1],
  [10, 2, 0.8, 0.5, 0.6],
  [50, 1, 0.6, 0.4, 0.8],
  [100, Math.sqrt(3), 0.7, 0.6, 0.4],
] as const;
// Least squares by the formula over the logarithms of (10, 50, 100), of (10, 7, 6) and of log(T) / sqrt(T).
const SLOPE = -0.2218075;
const BOUND_SLOPE = -0.1939869;
// Squares 4, 4, 4 and 4: all means are 4.
const SECOND = [
  [1, 2, 0, 0.1, 1],
  [10, 2, 0.4, 0.3, 0.9],
  [50, 2, 0.6, 0.3, 0.9],
  [100, 2, 0.5, 0.3, 0.9],
] as const;

test('the means, and the shape of the bound through the first of the last factor of ten', () => {
  const { columns, rows } = analyseConvergence([probed(FIRST, { samples: 40 })]);
  expect(columns).toEqual(Object.keys(rows[0] ?? {}));
  expect(rows.map(({ step, samples }) => [step, samples])).toEqual([
    [1, 40],
    [10, 40],
    [50, 40],
    [100, 40],
  ]);
  expect(rows.map((row) => Number(row['mean_square']))).toEqual(
    [16, 10, 7, 6].map((mean) => expect.closeTo(mean, 6) as number),
  );
  expect(rows[0]?.['bound_shape']).toBe('');
  // 10 at step 10; log(50) / sqrt(50) and log(100) / sqrt(100) over log(10) / sqrt(10).
  expect(rows.slice(1).map((row) => Number(row['bound_shape']))).toEqual(
    [10, 7.598025, 6.324555].map((shape) => expect.closeTo(shape, 5) as number),
  );
});

test('the slope, cosines and the error of one run: of all probes but the first', () => {
  expect(analyseConvergence([probed(FIRST)]).lines).toEqual([
    `fsam: mean |f|^2 over the last factor of ten in steps: slope ${SLOPE.toFixed(3)} (n = 1), of log(T) / sqrt(T) ${BOUND_SLOPE.toFixed(3)}`,
    "fsam: cosine of the average and the full gradient 0.700 (n = 1), of the batch's own gradient and it 0.500 (n = 1), |m - f| / |f| 0.600 (n = 1)",
  ]);
});

test('the mean over seeds, with its standard deviation', () => {
  const { lines } = analyseConvergence([probed(FIRST), probed(SECOND, { seed: 2 })]);
  // Slopes -0.2218 and 0; cosines 0.7 and 0.5; errors 0.6 and 0.9: a deviation is the difference over sqrt(2).
  expect(lines).toEqual([
    'fsam: mean |f|^2 over the last factor of ten in steps: slope -0.111 +- 0.157 (n = 2), of log(T) / sqrt(T) -0.194',
    "fsam: cosine of the average and the full gradient 0.600 +- 0.141 (n = 2), of the batch's own gradient and it 0.400 +- 0.141 (n = 2), |m - f| / |f| 0.750 +- 0.212 (n = 2)",
  ]);
});

test('a point for each label, and what f is over where it is not all', () => {
  const few = { label: 'sgd', samples: 1000 };
  const plain = SECOND.map(([step, f]) => [step, f] as const);
  expect(analyseConvergence([probed(plain, few)]).lines).toEqual([
    'sgd: mean |f|^2 over the last factor of ten in steps: slope 0.000 (n = 1), of log(T) / sqrt(T) -0.194',
    'sgd: f is over whole batches with at least 1,000 images: |f|^2 has their sampling variance in it, and cosines and |m - f| / |f| are of such an f',
  ]);
});

test('why there is no slope', () => {
  const said = (...runs: ProbedRun[]) => analyseConvergence(runs).lines[0];
  const begun = 'fsam: mean |f|^2 over the last factor of ten in steps: ';
  const zero = probed([1, 2, 3, 4].map((step) => [step, 0]));
  expect(said(zero)).toBe(
    `${begun}no slope of seed 1: the mean is 0 at step 2, which has no logarithm`,
  );
  // At step 1 the bound has no logarithm.
  const short = probed([1, 2].map((step) => [step, 1]));
  expect(said(short)).toBe(`${begun}no slope of seed 1: 1 probe past step 1 there, wanted two`);
  const constant = probed(SECOND, { seed: 2 });
  expect(said(zero, constant)).toBe(
    `${begun}slope 0.000 (n = 1), of log(T) / sqrt(T) -0.194, no slope of seed 1: the mean is 0 at step 2, which has no logarithm`,
  );
});
