// What a run is, as a user meets it: in reports, when a run goes on, and in eval.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeRun } from '../unit/report-support.js';
import { temporaryFolder } from '../support/folders.js';
import { fsam } from './support/fsam.js';

describe('runs that differ in name and seed alone', () => {
  it('are one point of a report', async () => {
    const folder = temporaryFolder();
    [1, 2, 3, 4].forEach((seed) => {
      const name = seed < 3 ? 'first' : 'second';
      writeRun(join(folder, `runs/${name}/seed-${seed}`), { seed, keys: { name } });
    });
    const { code, stdout } = await fsam(folder, ['report', 'runs']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^first, second +4 +1 2 3 4 /m);
    const [, ...rows] = readFileSync(join(folder, 'runs/report/summary.csv'), 'utf8').split('\n');
    expect(rows.map((row) => row !== '')).toEqual([true, false]);
  });
});

describe('a run goes on', () => {
  const smoke = ['train', '--config', 'smoke'];

  it('with another evaluationBatchSize and name, and comes to the same', async () => {
    const folder = temporaryFolder();
    const out = ['--out', 'run', '--max-steps', '6'];
    expect((await fsam(folder, [...smoke, '--out', 'straight', '--max-steps', '6'])).code).toBe(0);
    expect((await fsam(folder, [...smoke, ...out])).code).toBe(0);
    // As it was after the first epoch.
    rmSync(join(folder, 'run/summary.json'));
    rmSync(join(folder, 'run/checkpoints/step-00000006.safetensors'));
    const change = ['evaluationBatchSize=8', 'name=other', 'device=cpu', 'optimizer.beta1=0.5'];
    const again = [...smoke, ...out, '--resume', ...change.flatMap((key) => ['--set', key])];
    const { code, stderr } = await fsam(folder, again);
    expect([code, stderr]).toEqual([0, expect.stringContaining('resumed from')]);
    const metrics = (run: string) => readFileSync(join(folder, run, 'metrics.csv'), 'utf8');
    expect(metrics('run')).toBe(metrics('straight'));
  });
});

describe('eval --split train', () => {
  it('says which labels it counts against, where there is noise', async () => {
    const folder = temporaryFolder();
    const train = ['train', '--config', 'smoke', '--epochs', '1', '--out'];
    expect((await fsam(folder, [...train, 'clean'])).code).toBe(0);
    expect((await fsam(folder, [...train, 'noisy', '--set', 'labelNoise.rate=0.5'])).code).toBe(0);
    const line = async (run: string, split: string) =>
      (await fsam(folder, ['eval', run, '--split', split])).stdout;
    expect(await line('noisy', 'train')).toMatch(
      / % {2}\(112 images, against the labels before label noise\)\n$/,
    );
    expect(await line('noisy', 'test')).toMatch(/ % {2}\(48 images\)\n$/);
    expect(await line('clean', 'train')).toMatch(/ % {2}\(112 images\)\n$/);
  });
});
