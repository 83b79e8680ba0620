// Running means and slopes that can be worked out by hand.
import { expect, test } from 'vitest';
import {
  boundShape,
  lastDecade,
  logLogSlope,
  runningMeans,
} from '../../src/analysis/convergence.js';

const at = (value: (step: number) => number, steps: readonly number[]) =>
  steps.map((step) => ({ step, value: value(step) }));

test('the mean so far, at each step', () => {
  const values = at((step) => step ** 2, [1, 2, 3]);
  expect(runningMeans(values)).toEqual([
    { step: 1, value: 1 },
    { step: 2, value: 2.5 },
    { step: 3, value: 14 / 3 },
  ]);
});

test('the slope of a power is its exponent', () => {
  const fit = logLogSlope(at((step) => 7 / Math.sqrt(step), [1, 4, 9, 1000]));
  expect(fit?.slope).toBeCloseTo(-0.5, 12);
  expect(fit?.intercept).toBeCloseTo(Math.log(7), 12);
});

test('log(T) / sqrt(T) falls more slowly than the root, the less so the later', () => {
  const slope = (steps: number[]) => logLogSlope(boundShape(at(() => 1, steps)))?.slope ?? NaN;
  // d log(log T / sqrt T) / d log T = 1 / log T - 1 / 2
  expect(slope([1000, 1001])).toBeCloseTo(1 / Math.log(1000.5) - 0.5, 6);
  expect(slope([1e6, 1e6 + 100])).toBeCloseTo(1 / Math.log(1e6) - 0.5, 4);
});

test('the last factor of ten', () => {
  const points = at(() => 1, [1, 9, 10, 55, 100]);
  expect(lastDecade(points).map(({ step }) => step)).toEqual([10, 55, 100]);
});

test('no slope without two steps, or of what has no logarithm', () => {
  expect(logLogSlope(at(() => 1, [5]))).toBeNull();
  expect(logLogSlope(at((step) => step - 1, [1, 2]))).toBeNull();
});
