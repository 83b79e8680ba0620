// Numbers as they are shown: rounded, but no number that is not 0 as 0.
import { expect, test } from 'vitest';
import { decimals } from '../../src/util/digits.js';

test.each([
  [0.05, 5, '0.05000'],
  [0, 5, '0.00000'],
  [1.3727541e-7, 5, '1.37e-7'],
  [0.00012345, 5, '0.000123'],
  [0.0012345, 5, '0.00123'],
  [-0.00002, 4, '-0.00002'],
  [2.3456, 4, '2.3456'],
  [0.31, 0, '0.3'],
  [6, 1, '6.0'],
  [0.04, 1, '0.04'],
  [99.6, 0, '100'],
  [812.4, 0, '812'],
])('%f with %i places: %s', (value, places, wanted) => {
  expect(decimals(value, places)).toBe(wanted);
});
