// Reports of runs on texts: they tell more of the test set than what the runs are judged by.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { formatConfig } from '../../src/config/text.js';
import { metricsColumns } from '../../src/experiment/metrics.js';
import { pointsOf } from '../../src/report/points.js';
import { readRuns } from '../../src/report/runs.js';
import { summaryCsv } from '../../src/report/summary.js';
import { scoreCells } from '../../src/report/table.js';
import { columnOf } from '../support/csv.js';
import { temporaryFolder } from '../support/folders.js';

/** Loss, perplexity and bits per character after each epoch. */
type Epochs = readonly (readonly [loss: number, perplexity: number | '', bits: number | ''])[];

/** A finished run, as fsam train leaves it. */
function writeRun(folder: string, seed: number, epochs: Epochs): void {
  mkdirSync(folder, { recursive: true });
  const config = configSchema.parse({
    ...{ name: 'book', seed, epochs: epochs.length },
    ...{ data: { name: 'moby-dick' }, model: { name: 'gpt' }, optimizer: { name: 'sgd' } },
  });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const losses = epochs.map(([loss]) => loss);
  const columns = metricsColumns(config);
  const rows = epochs.map(([loss, perplexity, bits], i) => {
    const row: Record<string, number | string> = {
      ...{ epoch: i + 1, step: i + 1, learning_rate: 0.1, train_loss: 3, gradient_norm: 1 },
      ...{ test_loss: loss, best_test_loss: Math.min(...losses.slice(0, i + 1)) },
      ...{ test_perplexity: perplexity, test_bits_per_character: bits },
    };
    return columns.map((column) => row[column] ?? '').join(',');
  });
  write('config.yaml', formatConfig(config, folder));
  write('environment.json', '{"device":"CPU"}');
  write('metrics.csv', `${[columns.join(','), ...rows].join('\n')}\n`);
  const timing = epochs.map((_, i) => `${i + 1},2,100,,90`).join('\n');
  const titles = 'epoch,seconds,windows_per_second,first_step_seconds,memory_mb';
  write('timing.csv', `${titles}\n${timing}\n`);
  const summary = {
    ...{ epochs: epochs.length, steps: epochs.length, parameters: 1, total_seconds: 1 },
    ...{ last: { test_loss: losses.at(-1) }, best: { test_loss: Math.min(...losses) } },
    mean_test_loss_of_last_10: losses.reduce((sum, loss) => sum + loss) / losses.length,
  };
  write('summary.json', JSON.stringify(summary));
}

const pointsIn = async (...runs: readonly Epochs[]) => {
  const folder = temporaryFolder();
  runs.forEach((epochs, i) => {
    writeRun(join(folder, `run${i}`), i + 1, epochs);
  });
  return pointsOf((await readRuns([folder])).runs);
};

test('table and summary have perplexity and bits per character after the last epoch', async () => {
  const points = await pointsIn(
    [
      [2, 7.389056, 2.88539],
      [3, 20, 4.25],
    ],
    [
      [2, 7.389056, 2.88539],
      [3.5, 30, 4.75],
    ],
  );
  const [header = [], row = []] = scoreCells(points);
  expect(header.slice(3)).toEqual([
    ...['last', 'best', 'mean of all 2'],
    ...['perplexity, last', 'bits per character, last'],
  ]);
  // The spread of 20 and 30 is 10 / sqrt(2), that of 4.25 and 4.75 is 0.5 / sqrt(2).
  expect(row.slice(6)).toEqual(['25.0000 \u00b1 7.0711', '4.5000 \u00b1 0.3536']);
  const csv = summaryCsv(points);
  expect(csv.split('\n')[0]).toMatch(
    /,last10_by_seed,last_perplexity_mean,.*,last_bits_per_character_by_seed,seeds_missing$/,
  );
  expect(columnOf(csv, 'last_perplexity_by_seed')).toEqual(['20.00000 30.00000']);
  expect(columnOf(csv, 'last_perplexity_std')).toEqual(['7.071068']);
  expect(columnOf(csv, 'last_bits_per_character_mean')).toEqual(['4.500000']);
});

test('of runs that did not measure them they are empty', async () => {
  const points = await pointsIn([[2, '', '']]);
  expect(scoreCells(points)[1]?.slice(6)).toEqual(['', '']);
  expect(columnOf(summaryCsv(points), 'last_perplexity_mean')).toEqual(['']);
});
