// Statistics over seeds against SciPy 1.17's (ttest_rel, ttest_ind with equal_var=False) and Holm's by hand.
import { describe as group, expect, test } from 'vitest';
import { describe, holm, pairedTest, welchTest } from '../../src/report/statistics.js';

const a = [81.2, 80.7, 81.5, 80.9];
const b = [80.1, 80.3, 80.9, 80.2];
const c = [80.1, 79.3, 80.9, 80.2, 81.0];

group('description', () => {
  test('of several', () => {
    const { n, mean, std, median, min, max } = describe(a);
    expect([n, min, max]).toEqual([4, 80.7, 81.5]);
    expect(mean).toBeCloseTo(81.075, 10);
    expect(std).toBeCloseTo(0.35, 10);
    expect(median).toBeCloseTo(81.05, 10);
  });

  test('of one: no spread is claimed', () => {
    expect(describe([80])).toEqual({ n: 1, mean: 80, std: null, median: 80, min: 80, max: 80 });
  });
});

test('the paired test', () => {
  const result = pairedTest(a, b)!;
  expect(result.kind).toBe('paired');
  expect(result.difference).toBeCloseTo(0.7, 10);
  expect(result.t).toBeCloseTo(4.75556354340728, 8);
  expect(result.dof).toBe(3);
  expect(result.p).toBeCloseTo(0.017648868484408456, 8);
  expect(result.interval[0]).toBeCloseTo(0.23155658769676052, 6);
  expect(result.interval[1]).toBeCloseTo(1.1684434123032452, 6);
});

test("Welch's test", () => {
  const result = welchTest(a, c)!;
  expect(result.kind).toBe('Welch');
  expect(result.t).toBeCloseTo(2.186571409161667, 8);
  expect(result.dof).toBeCloseTo(6.143392974808631, 8);
  expect(result.p).toBeCloseTo(0.07036175049100159, 8);
  expect(result.interval[0]).toBeCloseTo(-0.08739065557792436, 6);
  expect(result.interval[1]).toBeCloseTo(1.6373906555779358, 6);
});

test('nothing is said where nothing varies', () => {
  expect(pairedTest([2, 3], [1, 2])).toBeNull();
  expect(welchTest([2, 2], [1, 1])).toBeNull();
  // Both differences are 0.05, but for the last bits.
  expect(pairedTest([80.35, 80.15], [80.3, 80.1])).toBeNull();
  expect(welchTest([0.1 + 0.2, 0.3], [0.1, 0.1])).toBeNull();
});

// Sorted 0.01 0.02 0.03 0.04, times 4 3 2 1: 0.04 0.06 0.06 0.04, never falling: 0.04 0.06 0.06 0.06.
test('Holm: in the order given, never falling, at most 1', () => {
  const adjusted = holm([0.04, 0.01, 0.03, 0.02]);
  [0.06, 0.04, 0.06, 0.06].forEach((value, i) => expect(adjusted[i]).toBeCloseTo(value, 12));
  expect(holm([0.7, 0.9])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
