// Relative paths mean the same wherever a run or a sweep goes on or is evaluated: they are relative to where it began.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam, start } from './support/fsam.js';
import { writeIdx } from './support/idx.js';

const SIDE = 8;

interface Places {
  /** Where the run begins; `../../sets` is its data. */
  readonly began: string;
  /** Somewhere else, less deep. */
  readonly elsewhere: string;
}

/** Two folders, the data, and an experiment and a sweep in the first. */
function makePlaces(): Places {
  const root = temporaryFolder();
  const [began, elsewhere, sets] = [join(root, 'deep/a'), join(root, 'b'), join(root, 'sets')];
  for (const folder of [began, elsewhere, sets]) mkdirSync(folder, { recursive: true });
  for (const [name, count] of [
    ['train', 48],
    ['t10k', 16],
  ] as const) {
    writeIdx(join(sets, `${name}-images-idx3-ubyte`), [count, SIDE, SIDE], (i) => (37 * i) % 251);
    writeIdx(join(sets, `${name}-labels-idx1-ubyte`), [count], (i) => i % 4);
  }
  const noise = Array.from({ length: 48 }, (_, i) => `${i},${i % 4},${(i + 1) % 4}`);
  writeFileSync(join(began, 'noise.csv'), `${['index,original,noisy', ...noise].join('\n')}\n`);
  writeFileSync(
    join(began, 'trial.yaml'),
    'extends: smoke.yaml\nepochs: 24\ndata: { name: idx, directory: ../../sets }\n' +
      'labelNoise: { file: noise.csv }\naugmentation: { cropPadding: 1, cutout: 0 }\n',
  );
  writeFileSync(join(began, 'smoke.yaml'), SMOKE);
  writeFileSync(
    join(began, 'sweep.yaml'),
    'name: swept\nfolder: point\nbase: trial.yaml\nset: { epochs: 1 }\naxes: { seed: [1, 2] }\n',
  );
  return { began, elsewhere };
}

const SMOKE =
  'name: trial\nbatchSize: 16\nmodel: { name: resnet18, width: 4 }\noptimizer: { name: fsam }\n';

interface Environment {
  readonly workingFolder: string;
  readonly data: string;
  readonly resumed: readonly Environment[];
}
const environmentOf = (folder: string): Environment =>
  JSON.parse(read(folder, 'environment.json')) as Environment;

describe('a run', () => {
  it('goes on, is evaluated and reported from another folder as from its own', async () => {
    const { began, elsewhere } = makePlaces();
    const train = ['train', '--config', 'trial.yaml', '--out'];
    expect((await fsam(began, [...train, 'straight'])).code).toBe(0);
    const running = start(began, [...train, 'stopped']);
    await running.until(/^epoch +1\//m);
    running.process.kill('SIGTERM');
    expect((await running.done).code).toBe(143);

    const run = '../deep/a/stopped';
    const onwards = ['train', '--config', '../deep/a/trial.yaml', '--resume', '--out', run];
    const other = await fsam(elsewhere, [...onwards, '--set', 'labelNoise.file=noise.csv']);
    expect(other.stderr).toContain('labelNoise.file: noise.csv -> ../../b/noise.csv');
    // What is typed is relative to where one types it.
    const typed = ['--data-dir', '../sets', '--set', 'labelNoise.file=../deep/a/noise.csv'];
    const resumed = await fsam(elsewhere, [...onwards, ...typed]);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('resumed from')]);
    expect(read(began, 'stopped/metrics.csv')).toBe(read(began, 'straight/metrics.csv'));
    expect(environmentOf(join(began, 'stopped'))).toMatchObject({
      workingFolder: began,
      data: '../../sets',
      resumed: [{ workingFolder: began, data: join(began, '../../sets') }],
    });

    const evaluations = await Promise.all([
      fsam(began, ['eval', 'straight']),
      fsam(elsewhere, ['eval', '../deep/a/straight']),
      fsam(elsewhere, ['eval', '../deep/a/straight', '--data-dir', '../sets']),
    ]);
    for (const { code, stdout } of evaluations) {
      expect([code, stdout]).toEqual([0, evaluations[0].stdout]);
    }
    await fsam(began, ['report', 'straight', '--out', 'report']);
    await fsam(elsewhere, ['report', '../deep/a/straight', '--out', 'report']);
    expect(read(elsewhere, 'report/summary.csv')).toBe(read(began, 'report/summary.csv'));
  });

  it('goes on without changes to the command, and where its folder was moved', async () => {
    const { began, elsewhere } = makePlaces();
    const running = start(began, ['train', '--config', 'trial.yaml', '--out', 'run']);
    await running.until(/^epoch +1\//m);
    running.process.kill('SIGTERM');
    expect((await running.done).code).toBe(143);
    const step = ['--resume', '--max-steps', '12', '--out'];
    const own = ['train', '--config', '../deep/a/trial.yaml', ...step, '../deep/a/run'];
    expect((await fsam(elsewhere, own)).stderr).toContain('maxSteps');
    const moved = join(began, '../c');
    renameSync(began, moved);
    const { code, stderr } = await fsam(moved, ['eval', 'run']);
    expect(code).toBe(0);
    expect(stderr).toContain(
      `${began}, where this began, is not there any more: reading from the folder you are in: data.directory ../../sets\n`,
    );
    const resumed = await fsam(moved, [
      'train',
      '--config',
      'trial.yaml',
      '--resume',
      '--out',
      'run',
    ]);
    expect(resumed.stderr).toContain('data.directory ../../sets, labelNoise.file noise.csv\n');
    expect(resumed.code).toBe(0);
    expect(environmentOf(join(moved, 'run')).resumed).toMatchObject([{ workingFolder: moved }]);
    // From now on it is there.
    const again = await fsam(elsewhere, ['eval', '../deep/c/run']);
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining('not there')]);
  });
});

it('a sweep goes on in another folder', async () => {
  const { began, elsewhere } = makePlaces();
  const sweep = ['--jobs', '1', '--threads', '1', '--out'];
  const first = ['sweep', '--config', 'sweep.yaml', '--filter', 'seed=1', '--no-estimate'];
  expect((await fsam(began, [...first, ...sweep, 'swept'])).code).toBe(0);
  const config = ['sweep', '--config', '../deep/a/sweep.yaml'];
  const { code, stdout, stderr } = await fsam(elsewhere, [...config, ...sweep, '../deep/a/swept']);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^sweep swept: 2 points in .*: 1 done, 1 new$/m);
  expect(stdout).toMatch(/^expected time: about/m);
  const point = join(began, 'swept/point/seed-2');
  expect(environmentOf(point)).toMatchObject({ workingFolder: began, data: '../../sets' });
  expect(read(point, 'config.yaml')).toContain('directory: ../../sets');
});
