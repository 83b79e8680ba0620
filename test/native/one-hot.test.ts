// Labels as rows of numbers, of a single class, too.
import { expect, test } from 'vitest';
import { oneHot } from '../../src/native/one-hot.js';
import { tf } from '../../src/native/tensorflow.js';

test.each([
  { labels: [1, 0], classes: 3, rows: [[0.1, 0.8, 0.1], [0.8, 0.1, 0.1]] }, // prettier-ignore
  { labels: [0, 0], classes: 1, rows: [[0.8], [0.8]] },
])('$labels of $classes', ({ labels, classes, rows }) => {
  const got = oneHot(tf.tensor1d(labels, 'int32'), classes, 0.8, 0.1);
  expect(got.dtype).toBe('float32');
  expect(got.arraySync()).toEqual(rows.map((row) => row.map(Math.fround)));
});
