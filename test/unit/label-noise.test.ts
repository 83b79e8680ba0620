// Label noise: how many labels change, which, and to what.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { configSchema, labelNoiseSchema, type DataConfig } from '../../src/catalogue/schema.js';
import { CIFAR100_SUPERCLASSES } from '../../src/data/cifar100-superclasses.js';
import { readNoisyLabels, writeNoisyLabels } from '../../src/data/label-noise-file.js';
import { drawLabels, realisedNoise, withLabelNoise } from '../../src/data/label-noise.js';
import { makeSynthetic } from '../../src/data/synthetic.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const folder = temporaryFolder();

const COUNT = 50_000;
const labelsOf = (classes: number) => Int32Array.from({ length: COUNT }, (_, i) => i % classes);

type Keys = Partial<Parameters<typeof drawLabels>[2]>;

const draw = (keys: Keys, classes = 10, set: DataConfig['name'] = 'cifar10', seed = 1) =>
  drawLabels(labelsOf(classes), classes, labelNoiseSchema.parse(keys), set, seed);

const changes = (noisy: Int32Array, classes = 10) =>
  Array.from(noisy.keys()).filter((i) => noisy[i] !== i % classes);

/** How often class i became class j. */
function confusion(noisy: Int32Array, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  noisy.forEach((label, i) => {
    const row = matrix[i % classes];
    if (row !== undefined) row[label] = (row[label] ?? 0) + 1;
  });
  return matrix;
}

describe('symmetric noise', () => {
  it('exclusive at 0.5 changes exactly half of 50,000 labels', () => {
    expect(changes(draw({ rate: 0.5, exclusive: true }))).toHaveLength(25_000);
  });

  it('inclusive at 0.5 changes nine tenths of that, up to 0.005', () => {
    const realised = changes(draw({ rate: 0.5 })).length / COUNT;
    expect(Math.abs(realised - 0.45)).toBeLessThan(0.005);
  });

  it.each([false, true])('takes all classes alike (exclusive: %s)', (exclusive) => {
    const matrix = confusion(draw({ rate: 1, exclusive }), 10);
    const others = exclusive ? 9 : 10;
    matrix.forEach((row, from) => {
      row.forEach((count, to) => {
        const share = exclusive && from === to ? 0 : 1 / others;
        // Five standard deviations of a binomial count of 5,000.
        const spread = 5 * Math.sqrt(5000 * share * (1 - share));
        expect(Math.abs(count - 5000 * share)).toBeLessThanOrEqual(spread);
      });
    });
  });

  it('draws int(rate n) images: 0.3 of 9 are 2', () => {
    const labels = new Int32Array(9);
    const noise = labelNoiseSchema.parse({ rate: 0.3, exclusive: true });
    const noisy = drawLabels(labels, 10, noise, 'synthetic', 1);
    expect(noisy.filter((label) => label !== 0)).toHaveLength(2);
    expect(labels).toEqual(new Int32Array(9));
  });
});

describe('asymmetric noise', () => {
  it("has CIFAR-10's map, all of it at rate 1", () => {
    const map = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];
    const matrix = confusion(draw({ rate: 1, kind: 'asymmetric' }), 10);
    matrix.forEach((row, from) => {
      expect(row).toEqual(row.map((_, to) => (to === map[from] ? 5000 : 0)));
    });
  });

  it('draws as many as the rate says: the others stay', () => {
    const matrix = confusion(draw({ rate: 0.4, kind: 'asymmetric' }), 10);
    const moved = changes(draw({ rate: 0.4, kind: 'asymmetric' })).length;
    // Five of ten classes have another to be mistaken for.
    expect(Math.abs(moved - 10_000)).toBeLessThan(500);
    expect(matrix[3]?.[5]).toBe(5000 - (matrix[3]?.[3] ?? 0));
    expect(matrix[0]).toEqual([5000, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('moves a class of CIFAR-100 on by one within its superclass', () => {
    const noisy = draw({ rate: 1, kind: 'asymmetric' }, 100, 'cifar100');
    for (let label = 0; label < 100; label++) {
      const members = CIFAR100_SUPERCLASSES.find((all) => all.includes(label)) ?? [];
      expect(noisy[label]).toBe(members[(members.indexOf(label) + 1) % 5]);
    }
    // Beaver, dolphin, otter, seal, whale.
    expect([4, 30, 55, 72, 95].map((label) => noisy[label])).toEqual([30, 55, 72, 95, 4]);
  });

  it('is refused for a set without such a map', () => {
    expect(() => draw({ rate: 0.1, kind: 'asymmetric' }, 10, 'idx')).toThrow(
      /^labelNoise.kind: got asymmetric for idx, wanted cifar10 or cifar100/,
    );
  });
});

test('the superclasses are 20 of five classes, each class once', () => {
  expect(CIFAR100_SUPERCLASSES.map((members) => members.length)).toEqual(Array(20).fill(5));
  const all = CIFAR100_SUPERCLASSES.flat().sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('the same images are drawn for every kind; another seed draws others', () => {
  const exclusive = new Set(changes(draw({ rate: 0.2, exclusive: true })));
  for (const keys of [{ rate: 0.2 }, { rate: 0.2, kind: 'asymmetric' as const }]) {
    expect(changes(draw(keys)).every((index) => exclusive.has(index))).toBe(true);
  }
  const other = changes(draw({ rate: 0.2, exclusive: true }, 10, 'cifar10', 2));
  expect(other.every((index) => exclusive.has(index))).toBe(false);
  expect(draw({ rate: 0.2 })).toEqual(draw({ rate: 0.2 }));
});

describe('a data set with noise', () => {
  const config = (labelNoise: object) =>
    configSchema.parse({
      name: 'noise',
      seed: 4,
      data: { name: 'synthetic', synthetic: { train: 100, test: 20, size: 4 } },
      model: { name: 'resnet18' },
      optimizer: { name: 'sgd' },
      labelNoise,
    });
  const clean = makeSynthetic(config({}).data.synthetic, 1);

  it('keeps the original labels, and the test set as it is', async () => {
    const noisy = await withLabelNoise(clean, config({ rate: 0.5, exclusive: true }));
    expect(noisy.train.originalLabels).toEqual(clean.train.labels);
    expect(noisy.test).toBe(clean.test);
    expect(realisedNoise(noisy.train)).toEqual({ changed: 50, rate: 0.5 });
  });

  it('is the set itself where no noise is asked for', async () => {
    expect(await withLabelNoise(clean, config({}))).toBe(clean);
  });

  it("takes its own seed before the run's", async () => {
    const labels = async (keys: object) =>
      (await withLabelNoise(clean, config({ rate: 0.5, ...keys }))).train.labels;
    expect(await labels({ seed: 4 })).toEqual(await labels({}));
    expect(await labels({ seed: 5 })).not.toEqual(await labels({}));
  });

  it('comes from a file that a run has written', async () => {
    const noisy = await withLabelNoise(clean, config({ rate: 0.5 }));
    const file = path.join(folder, 'label-noise.csv');
    await writeNoisyLabels(file, clean.train.labels, noisy.train.labels);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(102);
    const again = await withLabelNoise(clean, config({ file }));
    expect(again.train.labels).toEqual(noisy.train.labels);
  });

  it('has one source: a file or a rate', () => {
    expect(() => config({ rate: 0.1, file: 'labels.csv' })).toThrow(/the file has all labels/);
  });
});

describe('a file of labels is refused', () => {
  const original = Int32Array.of(0, 1, 2);
  const file = path.join(folder, 'bad.csv');
  const good = 'index,original,noisy\n0,0,0\n1,1,2\n2,2,2\n';

  test('not when it is right', async () => {
    writeFileSync(file, good);
    expect(await readNoisyLabels(file, original, 3)).toEqual(Int32Array.of(0, 2, 2));
    // As a spreadsheet saves it.
    writeFileSync(file, `\ufeff${readFileSync(file, 'utf8').replaceAll('\n', '\r\n')}`);
    expect(await readNoisyLabels(file, original, 3)).toEqual(Int32Array.of(0, 2, 2));
  });

  test.each<[string, string, RegExp]>([
    ['of the wrong length', good.replace('2,2,2\n', ''), /has 2 labels, wanted 3/],
    [
      'with a label out of range',
      good.replace('1,1,2', '1,1,3'),
      /:3: got the label "3", wanted a class from 0 to 2/,
    ],
    ['with a negative label', good.replace('1,1,2', '1,1,-1'), /:3: got the label "-1"/],
    ['with no label', good.replace('1,1,2', '1,1'), /:3: got the label ""/],
    [
      'for other images',
      good.replace('1,1,2', '1,0,2'),
      /:3: got image 1 of class 0, wanted image 1 of class 1/,
    ],
    [
      'with other columns',
      good.replace('noisy', 'label'),
      /:1: got "index,original,label", wanted the columns/,
    ],
    ['that is empty', '', /:1: got "", wanted the columns index,original,noisy/],
  ])('%s', async (_, text, message) => {
    writeFileSync(file, text);
    expect(await messageOf(readNoisyLabels(file, original, 3))).toMatch(message);
  });

  test('that is not there', async () => {
    const read = readNoisyLabels(path.join(folder, 'none.csv'), original, 3);
    await expect(read).rejects.toThrow(/none.csv: there is no such file/);
  });
});
