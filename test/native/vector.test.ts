// Products over all parameters at once, as many as a network has, against sums in double precision.
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { tf } from '../../src/native/tensorflow.js';
import { cosine, norm } from '../../src/optim/vector.js';
import { randomStream } from '../../src/util/random.js';

const PARAMETERS = 4_000_000;
const stream = randomStream(3, 'synthetic');
const x = Float32Array.from({ length: PARAMETERS }, () => stream.normal());
const y = x.map((value) => value + stream.normal());
const product = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);
const [xx, xy, yy] = [product(x, x), product(x, y), product(y, y)];

test('the norm is that of every element', () => {
  expect((norm(tf.tensor1d(x)).dataSync()[0] ?? NaN) / Math.sqrt(xx)).toBeCloseTo(1, 6);
});

test.each([
  ['itself', x, 1],
  ['another vector', y, xy / Math.sqrt(xx * yy)],
])('the cosine of a vector and %s', (_, other, wanted) => {
  expect(cosine(tf.tensor1d(x), tf.tensor1d(other)).dataSync()[0]).toBeCloseTo(wanted, 6);
});
