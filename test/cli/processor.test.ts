// Threads and oneDNN of a run: recorded, kept when it goes on, and refused where something else is asked.
import { cpSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { columnOf } from '../support/csv.js';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam, start } from './support/fsam.js';

const TRAIN = ['train', '--config', 'smoke', '--epochs', '30'];
const environmentOf = (...path: string[]) =>
  JSON.parse(read(...path, 'environment.json')) as Record<string, unknown>;

describe('a run that began with one thread and without oneDNN', () => {
  it('goes on so, and nothing else', async () => {
    const folder = temporaryFolder();
    const began = { TF_ENABLE_ONEDNN_OPTS: '0' };
    const open = { TF_ENABLE_ONEDNN_OPTS: '', TF_NUM_INTRAOP_THREADS: '' };
    const one = [...TRAIN, '--threads', '1'];
    expect((await fsam(folder, [...one, '--out', 'straight', '--quiet'], began)).code).toBe(0);

    const running = start(folder, [...one, '--out', 'run'], began);
    await running.until(/epoch +2\/30/);
    running.process.kill('SIGTERM');
    expect((await running.done).code).toBe(143);
    expect(environmentOf(folder, 'run')).toMatchObject({
      threads: 1,
      onednn: 'off',
      onednnReason: 'TF_ENABLE_ONEDNN_OPTS=0',
    });
    cpSync(join(folder, 'run'), join(folder, 'kept'), { recursive: true });

    const on = [...TRAIN, '--out', 'run', '--resume'];
    const refusals = [
      [['--threads', '3'], open, '--threads 3: the run in run began with 1,'],
      [
        [],
        { ...open, TF_NUM_INTRAOP_THREADS: '3' },
        'TF_NUM_INTRAOP_THREADS=3: the run in run began',
      ],
      [
        [],
        { ...open, TF_ENABLE_ONEDNN_OPTS: '1' },
        'TF_ENABLE_ONEDNN_OPTS=1: the run in run began',
      ],
    ] as const;
    for (const [flags, environment, message] of refusals) {
      const { code, stdout, stderr } = await fsam(folder, [...on, ...flags], environment);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(`fsam: ${message}`);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }

    const { code, stderr } = await fsam(folder, on, open);
    expect(code).toBe(0);
    if (availableParallelism() > 1)
      expect(stderr).toContain('run: goes on with 1 threads, as it began');
    const [sitting] = environmentOf(folder, 'run')['resumed'] as Record<string, unknown>[];
    expect(sitting).toMatchObject({ threads: 1, onednn: 'off', onednnReason: 'as the run began' });
    expect(read(folder, 'run', 'metrics.csv')).toBe(read(folder, 'straight', 'metrics.csv'));

    // With another number of threads, if it is to start anew; and evaluated as it was trained.
    const anew = await fsam(
      folder,
      [...TRAIN, '--out', 'kept', '--overwrite', '--threads', '2'],
      open,
    );
    expect(anew.code).toBe(0);
    expect(environmentOf(folder, 'kept')).toMatchObject({ threads: 2 });
    const evaluated = await fsam(folder, ['eval', 'run'], open);
    const losses = columnOf(read(folder, 'run', 'metrics.csv'), 'test_loss');
    const loss = Number(losses.at(-1)).toPrecision(7);
    expect(evaluated.stdout).toContain(`test loss ${loss} `);
  });
});

describe('a number of threads', () => {
  it.each([
    [['train', '--config', 'smoke', '--threads', '0'], {}, 'threads'],
    [['train', '--config', 'smoke', '--threads', 'two'], {}, 'threads'],
    [['bench', '--config', 'smoke', '--threads', '2000'], {}, 'from 1 to 1024'],
    [['train', '--config', 'smoke'], { TF_NUM_INTRAOP_THREADS: 'abc' }, 'got "abc"'],
    [['train', '--config', 'smoke'], { TF_ENABLE_ONEDNN_OPTS: 'maybe' }, 'got "maybe"'],
  ])('that is none: %j %j', async (args, environment, message) => {
    const { code, stdout, stderr } = await fsam(temporaryFolder(), args, environment);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('0 is every core, which doctor says', async () => {
    const { stdout } = await fsam(temporaryFolder(), ['doctor'], { TF_NUM_INTRAOP_THREADS: '0' });
    expect(stdout).toMatch(new RegExp(`^threads +${availableParallelism()}: every core$`, 'm'));
    expect(stdout).toMatch(/^oneDNN +(on|off)\b/m);
  });
});
