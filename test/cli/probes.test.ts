// Probes as a user sees them: a table of their own, and a run that is the same as without.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

const TRAIN = ['train', '--config', 'smoke', '--set', 'optimizer.name=fsam'];

it('writes a row every few steps, and metrics.csv as without', async () => {
  const folder = temporaryFolder();
  const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
  const probes = ['--set', 'probes.every=2', '--set', 'probes.samples=20'];
  for (const args of [
    [...TRAIN, '--out', 'plain'],
    [...TRAIN, ...probes, '--out', 'straight'],
    [...TRAIN, ...probes, '--max-steps', '5', '--out', 'once'],
  ]) {
    expect((await fsam(folder, args)).code).toBe(0);
  }
  expect(read('straight', 'metrics.csv')).toBe(read('plain', 'metrics.csv'));
  const [head = '', ...rows] = read('straight', 'probes.csv').trimEnd().split('\n');
  expect(head).toMatch(/^epoch,step,learning_rate,full_loss,gradient_norm,/);
  const steps = rows.map((row) => Number(row.split(',')[1]));
  expect(steps.length).toBeGreaterThan(2);
  expect(steps).toEqual(steps.map((_, i) => 1 + 2 * i));
  expect(read('straight', 'probes.csv')).toContain(read('once', 'probes.csv'));

  const many = await fsam(folder, [
    ...TRAIN,
    '--set',
    'probes.every=1',
    '--set',
    'probes.samples=9999',
    '--out',
    'many',
  ]);
  expect(many.code).toBe(2);
  expect(many.stderr).toMatch(
    /probes\.samples: got 9999, wanted all or at most the \d+ images of an epoch/,
  );
});
