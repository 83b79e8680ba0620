// GELU and layer normalisation of our own against their definitions in double precision, of every instruction set.
import { describe, expect, test } from 'vitest';
import { openTensorFlow, tf, type Tensor } from '../../src/native/tensorflow.js';
import { gelu, normaliseRows } from '../../src/native/transformer.js';
import { required } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';
import { distance, expectNear } from './support/compare.js';

openTensorFlow();

const stream = randomStream(13, 'synthetic');
const normal = (size: number, mean = 0, deviation = 1): Float32Array =>
  Float32Array.from({ length: size }, () => mean + deviation * stream.normal());

/** phi(x) and Phi(x), from tables to ten digits (Abramowitz and Stegun, table 26.1), for x from 0. */
const TABLE: readonly (readonly [x: number, density: number, below: number])[] = [
  [0, 0.3989422804, 0.5],
  [0.5, 0.3520653268, 0.6914624613],
  [1, 0.2419707245, 0.8413447461],
  [1.5, 0.1295175957, 0.9331927987],
  [2, 0.0539909665, 0.9772498681],
  [3, 0.0044318484, 0.998650102],
  [4, 0.0001338302, 0.9999683288],
];

/** The error function complemented, by its continued fraction beyond 2 and its series below. */
function below(x: number): number {
  const t = Math.abs(x);
  let beyond: number;
  if (t < 2) {
    let [term, sum] = [t, t];
    for (let n = 1; Math.abs(term) > 1e-18; n++) sum += term *= (t * t) / (2 * n + 1);
    beyond = 0.5 - sum * density(t);
  } else {
    let fraction = 0;
    for (let k = 300; k > 0; k--) fraction = k / (t + fraction);
    beyond = density(t) / (t + fraction);
  }
  return x < 0 ? beyond : 1 - beyond;
}
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

test('the distribution that all is held against is that of the tables', () => {
  for (const [x, dense, under] of TABLE) {
    expect(Math.abs(density(x) - dense)).toBeLessThan(1e-10);
    expect(Math.abs(below(x) - under)).toBeLessThan(1e-10);
    expect(Math.abs(below(-x) - (1 - under))).toBeLessThan(1e-10);
  }
});

describe('GELU', () => {
  test.each([1, 7, 16, 37, 100_000])('of %i numbers, within float32 rounding', (size) => {
    const [values, dys] = [normal(size, 0, 2), normal(size)];
    const [x, dy] = [tf.tensor1d(values), tf.tensor1d(dys)];
    const wanted = Array.from(values, (value) => value * below(value));
    expectNear('y', gelu(x).dataSync(), wanted, 3e-7);
    const [dx] = tf.grads((at: Tensor) => tf.sum(tf.mul(gelu(at), dy)))([x]) as [Tensor];
    const slopes = Array.from(values, (value, i) => {
      const slope = below(value) + value * density(value);
      return required(dys[i], 'dy') * slope;
    });
    expectNear('dx', dx.dataSync(), slopes, 3e-7);
  });

  test('to 1e-6 of each value as far as it is one, 0 and its own number beyond, NaN of NaN', () => {
    const far = Array.from({ length: 2401 }, (_, i) => -6 + i / 200);
    const values = gelu(tf.tensor1d(far)).dataSync();
    far.forEach((x, i) => {
      const wanted = Math.fround(x) * below(Math.fround(x));
      expect(Math.abs((values[i] as number) - wanted), `${x}`).toBeLessThan(
        1e-6 * Math.max(Math.abs(wanted), 1e-3),
      );
    });
    const [low, high, zero, none] = gelu(tf.tensor1d([-40, 40, 0, NaN])).dataSync();
    expect(Math.abs(low ?? NaN)).toBeLessThan(1e-30);
    expect([high, zero, none]).toEqual([40, 0, NaN]);
  });

  test('keeps the shape of what it takes', () => {
    expect(gelu(tf.zeros([2, 3, 4, 5])).shape).toEqual([2, 3, 4, 5]);
  });
});

describe('layer normalisation', () => {
  test.each([
    [1, 1, 0],
    [3, 5, 0],
    [2, 31, 1],
    [768, 128, 0],
    [70, 192, 3],
    [5, 1000, 100],
    [2000, 16, 0],
  ])('of %i rows of %i numbers around %d', (rows, columns, mean) => {
    const [values, dys] = [normal(rows * columns, mean), normal(rows * columns)];
    const [scales, offsets] = [normal(columns, 1), normal(columns)];
    const epsilon = 1e-5;
    const y = new Float64Array(rows * columns);
    const [dx, dScale] = [new Float64Array(rows * columns), new Float64Array(columns)];
    const dOffset = new Float64Array(columns);
    for (let row = 0; row < rows; row++) {
      const at = (from: ArrayLike<number>, i: number) => from[row * columns + i] as number;
      const over = (term: (i: number) => number): number => {
        let sum = 0;
        for (let i = 0; i < columns; i++) sum += term(i);
        return sum / columns;
      };
      const average = over((i) => at(values, i));
      const inverse = 1 / Math.sqrt(over((i) => (at(values, i) - average) ** 2) + epsilon);
      const hat = (i: number) => (at(values, i) - average) * inverse;
      const a = (i: number) => at(dys, i) * (scales[i] as number);
      const [ofA, ofAh] = [over(a), over((i) => a(i) * hat(i))];
      for (let i = 0; i < columns; i++) {
        y[row * columns + i] = hat(i) * (scales[i] as number) + (offsets[i] as number);
        dx[row * columns + i] = (a(i) - ofA - hat(i) * ofAh) * inverse;
        dScale[i] = (dScale[i] as number) + at(dys, i) * hat(i);
        dOffset[i] = (dOffset[i] as number) + at(dys, i);
      }
    }
    const x = tf.tensor2d(values, [rows, columns]);
    const [scale, offset] = [tf.tensor1d(scales), tf.tensor1d(offsets)];
    const dy = tf.tensor2d(dys, [rows, columns]);
    // A value of size |mean| is rounded before anything is computed of it.
    const rounding = 1e-6 * Math.max(1, mean);
    expectNear('y', normaliseRows(x, scale, offset, epsilon).dataSync(), y, rounding);
    const without = normaliseRows(x, scale, null, epsilon).dataSync();
    const plain = y.map((value, i) => value - (offsets[i % columns] as number));
    if (columns > 1) expectNear('y without offset', without, plain, 2 * rounding);
    const gradients = tf.grads((...at: Tensor[]) =>
      tf.sum(tf.mul(normaliseRows(at[0] as never, at[1] as never, at[2] as never, epsilon), dy)),
    )([x, scale, offset]);
    [dx, dScale, dOffset].forEach((wanted, i) => {
      const got = required(gradients[i], 'a gradient').dataSync();
      // Of one number nothing is left but roundings, times 1 / sqrt(epsilon).
      if (columns === 1 && i < 2) expect(Math.max(...got.map(Math.abs))).toBeLessThan(1e-4);
      else expect(distance(got, wanted), `gradient ${i}`).toBeLessThan(5 * rounding);
    });
  });

  test('refuses vectors of another length', () => {
    const x = tf.zeros([2, 4]);
    expect(() => normaliseRows(x, tf.ones([3]), null, 1e-5)).toThrow('do not fit together');
    expect(() => normaliseRows(x, tf.ones([4]), tf.zeros([5]), 1e-5)).toThrow('do not fit');
  });
});
