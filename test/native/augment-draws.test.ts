// The random numbers of augmentation: their ranges, their frequencies, and that they do not disturb each other.
import { describe, expect, test } from 'vitest';
import { augmentationSchema, type Config } from '../../src/catalogue/schema.js';
import { drawAugmentation, type ImageFormat } from '../../src/data/augment.js';
import { required } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';

type Augmentation = Config['augmentation'];
type Draws = Readonly<Record<string, Int32Array>>;

const recipe = augmentationSchema.parse({});
const shape: ImageFormat = { height: 32, width: 32, channels: 1, mean: [0.5], std: [0.25] };

describe('draws', () => {
  const count = 40_000;
  const draw = (config: Augmentation, images = count): Draws =>
    drawAugmentation(randomStream(1, 'augmentation', 7), images, shape, config);
  const all = draw(recipe);

  /** Expects each of `low` .. `high` as often as the others: chi squared within five standard deviations of its mean. */
  function expectUniform(values: ArrayLike<number>, low: number, high: number): void {
    const seen = new Map<number, number>();
    for (const value of Array.from(values)) seen.set(value, (seen.get(value) ?? 0) + 1);
    const kinds = high - low + 1;
    expect([...seen.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: kinds }, (_, i) => low + i),
    );
    const each = values.length / kinds;
    const chi = [...seen.values()].reduce((sum, n) => sum + (n - each) ** 2 / each, 0);
    expect(Math.abs(chi - (kinds - 1)) / Math.sqrt(2 * (kinds - 1))).toBeLessThan(5);
  }

  test('flip: one half', () => {
    expectUniform(required(all['flip'], 'flip'), 0, 1);
  });

  test('crop: corners 0 .. 8 of the padded image, alike', () => {
    expectUniform(
      required(all['cropTop'], 'cropTop').map((top) => top + 4),
      0,
      8,
    );
    expectUniform(
      required(all['cropLeft'], 'cropLeft').map((left) => left + 4),
      0,
      8,
    );
  });

  test('cutout: half of the images, corners -8 .. 23, alike; the others none', () => {
    const [tops, lefts] = [required(all['cutTop'], 'cutTop'), required(all['cutLeft'], 'cutLeft')];
    const cut = Array.from(tops.keys()).filter((i) => (tops[i] ?? 0) < 32);
    expect(cut.length / count).toBeCloseTo(0.5, 1.7);
    expectUniform(
      cut.map((i) => tops[i] ?? NaN),
      -8,
      23,
    );
    expectUniform(
      cut.map((i) => lefts[i] ?? NaN),
      -8,
      23,
    );
    const uncut = Array.from(tops.keys()).filter((i) => (tops[i] ?? 0) >= 32);
    expect(uncut.every((i) => (lefts[i] ?? 0) >= 32)).toBe(true);
  });

  test('the probability of cutout', () => {
    const share = (cutoutProbability: number) => {
      const tops = required(draw({ ...recipe, cutoutProbability })['cutTop'], 'cutTop');
      return tops.filter((top) => top < 32).length / count;
    };
    expect(share(0)).toBe(0);
    expect(share(0.25)).toBeCloseTo(0.25, 1.7);
    expect(share(1)).toBe(1);
  });

  test.each<[string, Partial<Augmentation>, string[]]>([
    ['flip', { flip: false }, ['flip']],
    ['crop', { cropPadding: 0 }, ['cropTop', 'cropLeft']],
    ['cutout', { cutout: 0 }, ['cutTop', 'cutLeft']],
  ])('without %s the other draws are the same', (_, part, missing) => {
    const left = draw({ ...recipe, ...part }, 500);
    const others = Object.entries(draw(recipe, 500)).filter(([name]) => !missing.includes(name));
    expect(left).toEqual(Object.fromEntries(others));
  });

  test('another step, another seed: other draws; the same: the same', () => {
    const flips = (seed: number, step: number) =>
      drawAugmentation(randomStream(seed, 'augmentation', step), 64, shape, recipe)['flip'];
    expect(flips(1, 0)).toEqual(flips(1, 0));
    expect(flips(1, 1)).not.toEqual(flips(1, 0));
    expect(flips(2, 0)).not.toEqual(flips(1, 0));
  });
});
