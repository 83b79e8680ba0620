// Random streams: the generator against one written from its definition, and what each draw promises.
import { describe, expect, test } from 'vitest';
import { RandomStream, randomStream } from '../../src/util/random.js';

/** sfc32 as PractRand defines it, in exact integers. */
function* sfc32(a: bigint, b: bigint, c: bigint, counter: bigint): Generator<number> {
  const mask = 0xffffffffn;
  for (;;) {
    const result = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + result) & mask;
    yield Number(result);
  }
}

const draws = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

describe('the generator', () => {
  test.each([
    [0, 0, 0, 1],
    [1, 2, 3, 4],
    [0xffffffff, 0x80000000, 0x7fffffff, 0xffffffff],
    [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0xfffffffe],
  ])('is sfc32: state %i %i %i %i', (a, b, c, counter) => {
    const stream = new RandomStream(a, b, c, counter);
    const reference = sfc32(BigInt(a), BigInt(b), BigInt(c), BigInt(counter));
    for (let i = 0; i < 1000; i++) expect(stream.bits()).toBe(reference.next().value);
  });

  test('each bit is as often 1 as 0', () => {
    const stream = randomStream(1, 'order');
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const bits = stream.bits();
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((bits >>> bit) & 1);
    }
    for (const count of ones) expect(Math.abs(count - 5000)).toBeLessThan(250);
  });
});

describe('streams', () => {
  const head = (...key: Parameters<typeof randomStream>) => {
    const stream = randomStream(...key);
    return draws(4, () => stream.bits());
  };

  test('the same key gives the same numbers', () => {
    expect(head(7, 'order', 3)).toEqual(head(7, 'order', 3));
    expect(head(7, 'order')).toEqual(head(7, 'order', 0));
  });

  test('another seed, purpose or counter gives others', () => {
    const purposes = [
      ...(['initialisation', 'order', 'augmentation'] as const),
      ...(['subset', 'label-noise', 'synthetic'] as const),
    ];
    const keys = [1, 2, 11, 4294967295].flatMap((seed) =>
      purposes.flatMap((purpose) => [0, 1, 10].map((counter) => [seed, purpose, counter] as const)),
    );
    const heads = keys.map((key) => head(...key).join());
    expect(new Set(heads).size).toBe(keys.length);
  });
});

describe('draws', () => {
  test('uniform: from 0 to below 1, mean 1/2, variance 1/12', () => {
    const stream = randomStream(1, 'synthetic');
    const values = draws(20_000, () => stream.uniform());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(mean(values)).toBeCloseTo(0.5, 2);
    expect(mean(values.map((x) => (x - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
  });

  test.each([1, 2, 3, 7, 9, 10, 32])('integer below %i: all of them, alike', (bound) => {
    const stream = randomStream(2, 'synthetic', bound);
    const counts = new Array<number>(bound).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const drawn = stream.integer(bound);
      counts[drawn] = (counts[drawn] ?? NaN) + 1;
    }
    const each = 20_000 / bound;
    for (const count of counts)
      expect(Math.abs(count - each)).toBeLessThan(5 * Math.sqrt(each) + 1);
  });

  test('integer: bounds that do not divide 2^32 are unbiased', () => {
    // With the remainder alone, a bound of 3 2^30 would draw its lower third twice as often as each of the others.
    const stream = randomStream(3, 'synthetic');
    const bound = 3 * 2 ** 30;
    const values = draws(20_000, () => stream.integer(bound));
    expect(values.every((x) => x >= 0 && x < bound)).toBe(true);
    expect(values.filter((x) => x < bound / 3).length / values.length).toBeCloseTo(1 / 3, 1.7);
    expect(randomStream(3, 'order').integer(2 ** 32)).toBe(randomStream(3, 'order').bits());
  });

  test('normal: mean 0, variance 1, the tails of a Gaussian', () => {
    const stream = randomStream(4, 'synthetic');
    const values = draws(40_000, () => stream.normal());
    expect(mean(values)).toBeCloseTo(0, 1.5);
    expect(mean(values.map((x) => x * x))).toBeCloseTo(1, 1.5);
    expect(mean(values.map((x) => x ** 4))).toBeCloseTo(3, 0.5);
    const share = (limit: number) => mean(values.map((x) => (Math.abs(x) > limit ? 1 : 0)));
    expect(share(1)).toBeCloseTo(0.3173, 1.7);
    expect(share(2)).toBeCloseTo(0.0455, 2);
  });

  test('permutation: each number once; every order as likely', () => {
    const order = randomStream(5, 'order').permutation(1000);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    expect(randomStream(5, 'order').permutation(0)).toHaveLength(0);
    const stream = randomStream(6, 'order');
    const seen = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const key = stream.permutation(4).join('');
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    for (const count of seen.values())
      expect(Math.abs(count - 500)).toBeLessThan(5 * Math.sqrt(500));
  });
});
