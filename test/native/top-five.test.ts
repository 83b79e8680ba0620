// Top-5 accuracy, worked out by hand: which runs have it, and how ties count.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { evaluationRows, taskOf, type OfTask } from '../../src/catalogue/task.js';
import { shapeOf } from '../../src/data/dataset.js';
import { runFolder } from '../../src/experiment/folder.js';
import { metricsColumns, metricsTable } from '../../src/experiment/metrics.js';
import { tf } from '../../src/native/tensorflow.js';
import { readRuns } from '../../src/report/runs.js';
import { createTask } from '../../src/tasks/tasks.js';
import { required } from '../../src/util/errors.js';
import { columnOf } from '../support/csv.js';
import { temporaryFolder } from '../support/folders.js';
import { tinyConfig, tinyDataset } from './support/engine.js';
import { sitting } from './support/sitting.js';

// ImageNet has it; here the set that needs no files does, too.
vi.mock('../../src/catalogue/data-sets.js', async (original) => {
  const { DATA_SETS, ...rest } =
    await original<typeof import('../../src/catalogue/data-sets.js')>();
  const synthetic = { ...DATA_SETS.synthetic, topFive: true };
  return { ...rest, DATA_SETS: { ...DATA_SETS, synthetic } };
});

const ofSet = (name: 'imagenet' | 'synthetic' | 'cifar10', validation: number | null): OfTask => ({
  data: { name, validation },
});
const config = tinyConfig();

/** The number of examples that count, of such rows of logits. */
function counted(logits: readonly (readonly number[])[], labels: readonly number[]): number {
  const task = createTask(config, shapeOf(tinyDataset(config)));
  const row = task.evaluated('test').find(({ measure }) => measure === 'top5_accuracy');
  const count = required(row, 'the measure').of(tf.tensor2d(logits.map((values) => [...values])), {
    labels: tf.tensor1d([...labels], 'int32'),
  });
  return count.dataSync()[0]!;
}

test('the fifth counts, and the sixth does not', () => {
  const logits = [0.3, -1, 0.7, 0.1, 0.9, 0.2, -3];
  const byRank = [4, 2, 0, 5, 3, 1, 6];
  const each = byRank.map((label) => counted([logits], [label]));
  expect(each).toEqual([1, 1, 1, 1, 1, 0, 0]);
  expect(
    counted(
      byRank.map(() => logits),
      byRank,
    ),
  ).toBe(5);
});

test('ties count for the label: only what is greater is before it', () => {
  // Four are greater than those at 0, whichever of the three it is.
  expect([4, 5, 6].map((label) => counted([[4, 3, 2, 1, 0, 0, 0, -1]], [label]))).toEqual([
    1, 1, 1,
  ]);
  // Five are greater.
  expect([5, 6].map((label) => counted([[4, 3, 2, 1, 1, 0, 0]], [label]))).toEqual([0, 0]);
  // All are alike.
  expect(counted([[0, 0, 0, 0, 0, 0, 0, 0]], [7])).toBe(1);
});

test('of five classes or fewer every label counts, and of NaN none', () => {
  expect(counted([[1, 2, 3, 4, 5]], [0])).toBe(1);
  expect(counted([[2, 1]], [1])).toBe(1);
  const broken = [
    [NaN, 2, 3, 4, 5, 6],
    [1, 2, 3, 4, 5, NaN],
    [NaN, NaN],
  ];
  expect(broken.map((row) => counted([row], [0]))).toEqual([0, 0, 0]);
  expect(counted([[1, 2, 3, 4, 5, NaN]], [4])).toBe(0);
});

test('the columns are there where the data set has it, and nowhere else', () => {
  const top5 = (name: 'imagenet' | 'synthetic' | 'cifar10', validation: number | null) =>
    metricsColumns(ofSet(name, validation)).filter((column) => column.includes('top5'));
  expect(top5('synthetic', null)).toEqual(['test_top5_accuracy']);
  expect(top5('imagenet', null)).toEqual(['test_top5_accuracy']);
  expect(top5('synthetic', 4)).toEqual(['validation_top5_accuracy', 'test_top5_accuracy']);
  expect(top5('cifar10', 4)).toEqual([]);
  const { all, optional } = metricsTable(ofSet('synthetic', null));
  expect(all.slice(all.indexOf('test_loss'))).toEqual([
    ...['test_loss', 'test_accuracy', 'best_test_accuracy', 'test_top5_accuracy'],
    ...['gradient_norm', 'perturbation_cosine'],
  ]);
  expect(optional).not.toContain('test_top5_accuracy');
  const rows = evaluationRows(taskOf(ofSet('synthetic', null)), 'test');
  expect(rows.map(({ name, tag }) => [name, tag])).toEqual([
    ['test loss', 'test/loss'],
    ['test accuracy', 'test/accuracy'],
    ['test top-5 accuracy', 'test/top5_accuracy'],
  ]);
});

test('a run has it, from metrics.csv to reports', async () => {
  const folder = join(temporaryFolder(), 'run');
  const data = { name: 'synthetic', synthetic: { train: 24, test: 16, size: 8, classes: 8 } };
  const eight = tinyConfig({ keys: { epochs: 2, data: { ...data, validation: 8 } } });
  await sitting(eight, folder, Infinity);
  const csv = readFileSync(runFolder(folder).metrics, 'utf8');
  for (const split of ['validation', 'test']) {
    const [one, five] = ['accuracy', 'top5_accuracy'].map((measure) =>
      columnOf(csv, `${split}_${measure}`).map(Number),
    );
    // In eighths or sixteenths of the set.
    expect(five).toHaveLength(2);
    five!.forEach((value, i) => {
      expect(value).toBeGreaterThan(one![i]!);
      expect(value % 6.25).toBe(0);
    });
  }
  const { runs } = await readRuns([folder]);
  expect(runs[0]?.epochs.at(-1)?.['test_top5_accuracy']).toBe(
    Number(columnOf(csv, 'test_top5_accuracy').at(-1)),
  );
});
