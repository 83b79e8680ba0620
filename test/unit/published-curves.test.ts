// The published curves against the table that stands beside them.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { metricsColumns } from '../../src/experiment/metrics.js';
import { columnOf, rowsOf } from '../support/csv.js';

const folder = new URL('../../results/reference/published/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8');
const table = read('README.md').matchAll(
  /^\| (\w+-\S+) +\| ([\d.]+) +\| ([\d.]+) \((\d+)\) +\| ([\d.]+) +\|$/gm,
);
const runs = Array.from(table, ([, run = '', ...numbers]) => ({
  run,
  numbers: numbers.map(Number),
}));

test('the table has three runs', () => {
  expect(runs).toHaveLength(3);
});

test.each(runs)('$run', ({ run, numbers: [last, best, bestEpoch, meanOfLastTen] }) => {
  const csv = read(`cifar100-resnet18/${run}/seed-1/metrics.csv`);
  expect(rowsOf(csv)[0]).toEqual(metricsColumns({ data: { name: 'cifar100', validation: null } }));
  const column = (name: string) => columnOf(csv, name).map(Number);
  expect(column('epoch')).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  const accuracy = column('test_accuracy');
  expect(accuracy.at(-1)).toBe(last);
  expect(Math.max(...accuracy)).toBe(best);
  expect(accuracy.indexOf(best ?? NaN) + 1).toBe(bestEpoch);
  expect(column('best_test_accuracy').at(-1)).toBe(best);
  const mean = accuracy.slice(-10).reduce((sum, value) => sum + value) / 10;
  // Half a unit of the table's last digit; one of the means lies on the half itself.
  expect(Math.abs(mean - (meanOfLastTen ?? NaN))).toBeLessThan(0.00501);
});
