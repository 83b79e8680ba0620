// The analyses of networks without BatchNorm, which have no running statistics to measure anew.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { rowsOf } from '../support/csv.js';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

const folder = temporaryFolder();
const SAMPLE = ['--samples', '16', '--threads', '1'];

/** Values of a column, as text. */
const columnOf = (name: string, ...path: string[]): (string | undefined)[] => {
  const [header = [], ...rows] = rowsOf(read(folder, ...path));
  return rows.map((row) => row[header.indexOf(name)]);
};

describe.each([
  ['gpt', ['--config', join(CONFIGS_FOLDER, 'tiny/moby-dick-gpt.yaml')]],
  ['vgg11', ['--config', 'smoke', '--set', 'model.name=vgg11', '--set', 'data.synthetic.size=32']],
])('%s', (name, config) => {
  const analyse = async (out: string, ...words: string[]): Promise<string> => {
    const place = ['--run', name, '--out', join(name, out)];
    const told = await fsam(folder, ['analyze', ...words, ...place, ...SAMPLE]);
    expect([told.stderr, told.code]).toEqual([expect.anything(), 0]);
    return told.stdout;
  };

  it('landscape by its defaults, and measured anew, is evaluation', async () => {
    const trained = await fsam(folder, ['train', ...config, '--max-steps', '1', '--out', name]);
    expect([trained.stderr, trained.code]).toEqual([expect.anything(), 0]);
    const told = await analyse('line', 'landscape', '--points', '3');
    expect(told).toMatch(/over 3 points, no BatchNorm/);
    const file = [name, 'line', 'landscape-line.csv'];
    expect(columnOf('batch_norm', ...file)).toEqual(['evaluation', 'evaluation', 'evaluation']);
    const asked = ['--batch-norm', 'evaluation'];
    await analyse('evaluation', 'landscape', '--points', '3', ...asked);
    expect(columnOf('loss', name, 'evaluation', 'landscape-line.csv')).toEqual(
      columnOf('loss', ...file),
    );
  });

  it.each(['recalibrated', 'evaluation'])(
    'a path %s has the same loss at its ends',
    async (how) => {
      const path = ['landscape', '--kind', 'path', '--to', name, '--points', '2'];
      await analyse(how, ...path, '--batch-norm', how);
      const [here, there] = columnOf('loss', name, how, 'landscape-path.csv');
      expect(here).toBe(there);
      // The middle of a line is the run itself.
      expect(here).toBe(columnOf('loss', name, 'line', 'landscape-line.csv')[1]);
    },
  );

  it('sharpness recalibrated', async () => {
    const few = ['--kinds', 'one-step', '--rho', '0.05', '--adaptive-rho', ''];
    await analyse('sharp', 'sharpness', ...few, '--batch-norm', 'recalibrated');
    expect(columnOf('batch_norm', name, 'sharp', 'sharpness.csv')).toEqual([
      'evaluation',
      'evaluation',
    ]);
  });
});
