// Several processes that train together, as a user starts them: the bytes of one process, kills, stops, mistakes.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { until } from '../support/wait.js';
import { fsam, start } from './support/fsam.js';

const folder = temporaryFolder();
const TRAIN = ['train', '--config', 'smoke', '--threads', '1', '--epochs', '40'];
const TOGETHER = [...TRAIN, '--workers', '2', '--open-server', '--worker-timeout', '10'];

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const metrics = (run: string) => read(run, 'metrics.csv');

/** Of the process that is worker `index` of the run in `run`. */
function pidOf(run: string, index: number): number {
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
        return (
          words.includes(run) &&
          (isOurs || words.some((word) => word.includes('fsam'))) &&
          variables.some((variable) => variable.startsWith(`FSAM_WORKER=${index},`))
        );
      } catch {
        // It has ended, or is somebody else's.
        return false;
      }
    })
    .map(Number);
  expect(found).toHaveLength(1);
  return found[0]!;
}

const hasRows = (run: string, rows: number): boolean =>
  existsSync(join(folder, run, 'metrics.csv')) && metrics(run).split('\n').length > rows;

/** Goes on with the run, and expects what an undisturbed one has. */
async function expectResumed(run: string): Promise<void> {
  expect((await fsam(folder, [...TOGETHER, '--out', run, '--resume'])).code).toBe(0);
  expect(metrics(run)).toBe(metrics('straight'));
}

beforeAll(async () => {
  const told = await fsam(folder, [...TOGETHER, '--out', 'straight']);
  expect([told.stderr, told.code]).toEqual([expect.anything(), 0]);
  expect(told.stderr).toContain('2 workers share every batch of 32');
}, 120_000);

it('two workers write the bytes of two devices', async () => {
  expect((await fsam(folder, [...TRAIN, '--set', 'devices=2', '--out', 'devices'])).code).toBe(0);
  expect(metrics('straight')).toBe(metrics('devices'));
  expect(JSON.parse(read('straight', 'environment.json'))).toMatchObject({ workers: 2 });
});

describe('a worker', () => {
  it('that is killed ends the other, which is said by its number; resumed, the run is as straight', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'killed']);
    await until(() => hasRows('killed', 3));
    process.kill(pidOf('killed', 1), 'SIGKILL');
    const { code, stderr } = await running.done;
    expect(code).toBe(1);
    expect(stderr).toContain('worker 1 was lost: ended by SIGKILL');
    await expectResumed('killed');
  });

  it('that is stopped ends all within the time-out', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'stopped']);
    await until(() => hasRows('stopped', 3));
    process.kill(pidOf('stopped', 1), 'SIGSTOP');
    const { code, stderr } = await running.done;
    expect(code).toBe(1);
    expect(stderr).toContain('worker 1 did not answer and was ended');
    await expectResumed('stopped');
  });

  it('has no orphans when the process that started it is killed', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'orphaned']);
    await until(() => hasRows('orphaned', 3));
    const workers = [0, 1].map((index) => pidOf('orphaned', index));
    running.process.kill('SIGKILL');
    await running.done;
    await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)));
    await expectResumed('orphaned');
  });
});

it('SIGTERM ends all after the same step, saved; resumed, the run is as straight', async () => {
  const running = start(folder, [...TOGETHER, '--out', 'ended']);
  await until(() => hasRows('ended', 3));
  running.process.kill('SIGTERM');
  const { code, stderr } = await running.done;
  expect(code).toBe(143);
  expect(stderr).toContain('interrupted by SIGTERM');
  await expectResumed('ended');
});

it('goes on with another number of workers, and says that the numbers differ', async () => {
  const running = start(folder, [...TOGETHER, '--out', 'fewer']);
  await until(() => hasRows('fewer', 3));
  running.process.kill('SIGTERM');
  await running.done;
  const alone = await fsam(folder, [...TRAIN, '--out', 'fewer', '--resume']);
  expect(alone.code).toBe(0);
  expect(alone.stderr).toContain('workers: goes on with 1, after 2');
});

it.each([
  [
    TOGETHER.filter((word) => word !== '--open-server'),
    '--open-server says that the network is closed',
  ],
  [[...TOGETHER, '--set', 'probes.every=1'], 'probes.every: got 1 with several workers'],
  [
    [...TOGETHER, '--set', 'optimizer.name=sam-full'],
    'optimizer.name: got sam-full with several workers',
  ],
  [[...TOGETHER, '--set', 'batchSize=1'], 'batchSize: a batch of 1 is for 2 workers'],
])('%j is a mistake', async (args, message) => {
  const told = await fsam(folder, [...args, '--out', 'refused']);
  expect(told.code).toBe(2);
  expect(told.stderr).toContain(message);
  expect(existsSync(join(folder, 'refused'))).toBe(false);
});
