// Subsets and the synthetic set: balanced, seeded, learnable.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inMemory, type ImageDataset, type ImageSet } from '../../src/data/dataset.js';
import { datasetShape, knownShape } from '../../src/data/load.js';
import { holdOut, takeSubset } from '../../src/data/subset.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { configOf, loadImages } from './data-support.js';

/** One-pixel images whose value is their index, so that a subset shows which it took. */
function indexed(labels: number[], classes: number): ImageDataset<Uint8Array> {
  const set = (): ImageSet<Uint8Array> => ({
    images: Uint8Array.from(labels.keys()),
    labels: Int32Array.from(labels),
  });
  const size = { height: 1, width: 1, channels: 1, mean: [0], std: [1] };
  return { name: 'indexed', classes, ...size, train: set(), test: set(), source: 'test' };
}

const TEN_EACH = Array.from({ length: 50 }, (_, i) => (i * 7) % 5);
const take = (train: number | null, test: number | null, seed: number) =>
  takeSubset(indexed(TEN_EACH, 5), { train, test }, seed);

function countsOf(labels: Int32Array, classes: number): number[] {
  return Array.from({ length: classes }, (_, c) => labels.filter((label) => label === c).length);
}

describe('subset', () => {
  it.each([1, 4, 5, 12, 23, 49, 50])('of %i is balanced, in order, and its own', (count) => {
    const { train } = take(count, null, 3);
    const indices = [...train.images];
    expect(indices).toHaveLength(count);
    expect(new Set(indices).size).toBe(count);
    expect(indices).toEqual([...indices].sort((a, b) => a - b));
    expect([...train.labels]).toEqual(indices.map((index) => TEN_EACH[index]));
    const counts = countsOf(train.labels, 5);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  it('depends on the seed and the split, and on nothing else', () => {
    const chosen = (seed: number) => [...take(20, null, seed).train.images];
    expect(chosen(1)).toEqual(chosen(1));
    expect(chosen(1)).not.toEqual(chosen(2));
    expect([...take(20, 20, 1).test.images]).not.toEqual(chosen(1));
    expect([...take(20, 7, 1).train.images]).toEqual(chosen(1));
  });

  it('of fewer images lies within that of more', () => {
    const larger = new Set(take(31, null, 5).train.images);
    for (const index of take(17, null, 5).train.images) expect(larger).toContain(index);
  });

  it('of null, or of all there are, is the whole set', () => {
    expect([...take(null, 50, 1).train.images]).toEqual([...Array(50).keys()]);
    expect([...take(null, 50, 1).test.images]).toEqual([...Array(50).keys()]);
  });

  it('of more than there are names key, number and how many there are', async () => {
    const config = configOf({
      name: 'fashion-mnist-tiny',
      subset: { train: 5001, test: null },
    });
    expect(await messageOf(loadImages(config, 1))).toBe(
      'data.subset.train: got 5001; fashion-mnist-tiny has 5000: wanted that many at most, or null for all',
    );
    const test = configOf({ name: 'fashion-mnist-tiny', subset: { test: 1001 } });
    expect(await messageOf(loadImages(test, 1))).toContain('data.subset.test: got 1001;');
  });

  it('that a class is too small for says what the largest is', async () => {
    // The smallest training class of the embedded set is 0, with 457 images.
    const subset = (train: number) =>
      loadImages(configOf({ name: 'fashion-mnist-tiny', subset: { train } }), 1);
    expect(await messageOf(subset(4580))).toBe(
      "data.subset.train: got 4580, which can't be spread evenly: class 0 has 457 images; " +
        'wanted 4579 at most, or null for all',
    );
    const counts = countsOf((await subset(4579)).train.labels, 10);
    expect(counts).toEqual([457, ...new Array<number>(9).fill(458)]);
  });
});

describe('what is held out for validation', () => {
  const hold = (count: number, seed: number) => {
    const { train, validation } = holdOut(indexed(TEN_EACH, 5), count, seed);
    return { train, held: validation as ImageSet<Uint8Array> };
  };

  it.each([1, 5, 13, 44, 45])('%i images: balanced, with their labels, and not trained on', (n) => {
    const { train, held } = hold(n, 3);
    expect(held.labels).toHaveLength(n);
    const all = [...train.images, ...held.images].sort((a, b) => a - b);
    expect(all).toEqual([...Array(50).keys()]);
    for (const set of [train, held]) {
      expect([...set.labels]).toEqual([...set.images].map((index) => TEN_EACH[index]));
      const counts = countsOf(set.labels, 5);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('depends on the seed, and not on the subset that is taken of the rest', async () => {
    expect(hold(20, 1)).toEqual(hold(20, 1));
    expect(hold(20, 1)).not.toEqual(hold(20, 2));
    const synthetic = { train: 50, test: 10, size: 2, classes: 5 };
    const load = (train: number | null) =>
      loadImages(configOf({ name: 'synthetic', synthetic, validation: 15, subset: { train } }), 1);
    const [all, some] = [await load(null), await load(20)];
    expect(all.train.labels).toHaveLength(35);
    expect(some.train.labels).toHaveLength(20);
    expect(some.validation).toEqual(all.validation);
    expect(some.test).toEqual(all.test);
  });

  it('leaves some of every class to train on', async () => {
    // The smallest training class of the embedded set is 0, with 457 of 5,000 images.
    const load = (validation: number) =>
      loadImages(configOf({ name: 'fashion-mnist-tiny', validation }), 1);
    expect(await messageOf(load(4561))).toBe(
      'data.validation: got 4561; class 0 of fashion-mnist-tiny has 457 of the 5000 training images: ' +
        'wanted 4560 at most, or null for none',
    );
    expect(countsOf((await load(4560)).train.labels, 10)[0]).toBe(1);
  });

  it('is counted in the shape of CIFAR, whose files need not be there', async () => {
    const shape = (keys: object) => datasetShape(configOf({ name: 'cifar10', ...keys }), 1);
    expect(await shape({ validation: 5000 })).toMatchObject({
      trainCount: 45_000,
      validationCount: 5000,
    });
    expect(await shape({})).toMatchObject({ trainCount: 50_000, validationCount: 0 });
  });
});

describe('the shape of an ImageNet that is not there', () => {
  const folder = temporaryFolder();
  const known = (keys: object) =>
    knownShape(configOf({ name: 'imagenet', directory: join(folder, 'absent'), ...keys }), 1);

  it('is the published one, less what is left out of it', async () => {
    expect((await known({})).shape).toMatchObject({
      ...{ classes: 1000, height: 224, width: 224, channels: 3, streamed: true },
      ...{ trainCount: 1_281_167, validationCount: 0, testCount: 50_000 },
    });
    const part = { validation: 10_000, subset: { train: null, test: 100 }, imageSize: 160 };
    expect((await known(part)).shape).toMatchObject({
      ...{ height: 160, trainCount: 1_271_167, validationCount: 10_000, testCount: 100 },
    });
  });

  it('has the classes that the configuration lists', async () => {
    const classes = join(folder, 'classes.txt');
    writeFileSync(classes, 'n01440764\nn01443537\n');
    const { shape, note } = await known({ classes });
    expect(shape.classes).toBe(2);
    expect(note).toContain(`taken are the 2 classes of data.classes ${classes}, 1281167`);
  });

  it('is asked of a folder that is there', async () => {
    expect(await messageOf(known({ directory: folder }))).toMatch(/^data\.directory .*holds/);
  });
});

describe('synthetic', () => {
  const config = configOf({ name: 'synthetic', synthetic: { train: 200, test: 100, size: 16 } });

  it('has the sizes asked for, balanced labels and matching statistics', async () => {
    const dataset = await loadImages(config, 1);
    expect(dataset).toMatchObject({ classes: 10, height: 16, width: 16, channels: 3 });
    expect(inMemory(dataset.train).length).toBe(200 * 16 * 16 * 3);
    expect(countsOf(dataset.test.labels, 10)).toEqual(new Array(10).fill(10));
    const red = inMemory(dataset.train).filter((_, i) => i % 3 === 0);
    const mean = red.reduce((sum, value) => sum + value / 255, 0) / red.length;
    const square = red.reduce((sum, value) => sum + (value / 255) ** 2, 0) / red.length;
    expect(dataset.mean[0]).toBeCloseTo(mean, 10);
    expect(dataset.std[0]).toBeCloseTo(Math.sqrt(square - mean ** 2), 8);
  });

  it('is the same for the same seed only', async () => {
    const images = async (seed: number) => inMemory((await loadImages(config, seed)).train);
    expect(Buffer.compare(await images(4), await images(4))).toBe(0);
    expect(Buffer.compare(await images(4), await images(5))).not.toBe(0);
  });

  it('can be learnt: the nearest class mean of the training images is right on the test images', async () => {
    const { train, test, classes } = await loadImages(config, 2);
    const length = 16 * 16 * 3;
    const image = (set: ImageSet, n: number) => [
      ...inMemory(set).subarray(n * length, (n + 1) * length),
    ];
    const means = Array.from({ length: classes }, () => new Float64Array(length));
    train.labels.forEach((label, n) => {
      const pixels = image(train, n);
      means[label] =
        means[label]?.map((sum, i) => sum + (pixels[i] ?? 0) / 20) ?? new Float64Array();
    });
    const nearest = (n: number) => {
      const pixels = image(test, n);
      const distances = means.map((mean) =>
        mean.reduce((sum, value, i) => sum + (value - (pixels[i] ?? 0)) ** 2, 0),
      );
      return distances.indexOf(Math.min(...distances));
    };
    const right = test.labels.filter((label, n) => nearest(n) === label).length;
    expect(right).toBe(100);
  });
});
