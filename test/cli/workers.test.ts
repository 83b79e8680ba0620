// Several processes that train together, as a user starts them: the bytes of one process, kills, stops, mistakes.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/util/free-ports.js';
import { temporaryFolder } from '../support/folders.js';
import { until } from '../support/wait.js';
import { fsam, start, type Running } from './support/fsam.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DRAW = join(ROOT, 'scripts/draw-pictures.mjs');
const folder = temporaryFolder();
const TRAIN = ['train', '--config', 'smoke', '--threads', '1', '--epochs', '40'];
const TOGETHER = [...TRAIN, '--workers', '2', '--open-server', '--worker-timeout', '10'];

const SLOW = join(folder, 'slow-rename.so');
const SOURCE = fileURLToPath(new URL('support/slow-rename.c', import.meta.url));
const compiled =
  spawnSync('g++', ['-x', 'c', '-shared', '-fPIC', '-o', SLOW, SOURCE, '-ldl']).status === 0;

const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');
const metrics = (run: string) => read(run, 'metrics.csv');

/** Of those that `parent` started. */
function pidsOf({ process: { pid } }: Running): string[] {
  const children = readFileSync(`/proc/${pid!}/task/${pid!}/children`, 'utf8');
  return children.split(' ').filter((word) => word !== '');
}

/** Empty where the process has ended meanwhile. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

/** Those of them that are workers: the number of each, and its process. */
const workersOf = (parent: Running): (readonly [index: number, pid: number])[] =>
  pidsOf(parent).flatMap((pid) => {
    const place = /(?:^|\0)FSAM_WORKER=(\d+),/.exec(environmentOf(pid));
    return place === null ? [] : [[Number(place[1]), Number(pid)] as const];
  });

function pidOf(parent: Running, index: number): number {
  const found = workersOf(parent).find(([which]) => which === index);
  expect(found).toBeDefined();
  return found![1];
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
    process.kill(pidOf(running, 1), 'SIGKILL');
    const { code, stderr } = await running.done;
    expect(code).toBe(1);
    expect(stderr).toContain('worker 1 was lost: ended by SIGKILL');
    await expectResumed('killed');
  });

  it('that is stopped ends all within the time-out', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'stopped']);
    await until(() => hasRows('stopped', 3));
    process.kill(pidOf(running, 1), 'SIGSTOP');
    const { code, stderr } = await running.done;
    expect(code).toBe(1);
    expect(stderr).toContain('worker 1 did not answer and was ended');
    await expectResumed('stopped');
  });

  it('has no orphans when the process that started it is killed before they listen', async () => {
    const running = start(folder, [...TOGETHER, '--epochs', '4000', '--out', 'abandoned']);
    await until(() => workersOf(running).length === 2);
    const workers = workersOf(running).map(([, pid]) => pid);
    running.process.kill('SIGKILL');
    await running.done;
    await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)));
  });

  it('has no orphans when the process that started it is killed', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'orphaned']);
    await until(() => hasRows('orphaned', 3));
    const workers = [0, 1].map((index) => pidOf(running, index));
    running.process.kill('SIGKILL');
    await running.done;
    await until(() => workers.every((pid) => !existsSync(`/proc/${pid}`)));
    await expectResumed('orphaned');
  });
});

describe('a signal ends all after the same step, saved:', () => {
  it.each<[string, NodeJS.Signals, number, (running: Running) => void]>([
    ['to the command', 'SIGTERM', 143, ({ process: { pid } }) => process.kill(pid!, 'SIGTERM')],
    ['to the last worker alone', 'SIGTERM', 143, (all) => process.kill(pidOf(all, 1), 'SIGTERM')],
    // As a terminal sends a Ctrl-C.
    ['to all at once', 'SIGINT', 130, ({ process: { pid } }) => process.kill(-pid!, 'SIGINT')],
  ])('%s; resumed, the run is as straight', async (whom, signal, code, send) => {
    const run = whom.replaceAll(' ', '-');
    const running = start(folder, [...TOGETHER, '--out', run], {}, ['env']);
    await until(() => hasRows(run, 3));
    send(running);
    const told = await running.done;
    expect(told.code).toBe(code);
    expect(told.stderr.split(`interrupted by ${signal}`)).toHaveLength(2);
    await expectResumed(run);
  });

  it('before anything has begun; nothing is written', async () => {
    const running = start(folder, [...TOGETHER, '--out', 'early']);
    await until(() => workersOf(running).length === 2);
    running.process.kill('SIGTERM');
    const { code, stderr } = await running.done;
    expect(code).toBe(143);
    expect(stderr.match(/finishing the step/g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(existsSync(join(folder, 'early', 'metrics.csv'))).toBe(false);
  });

  it.skipIf(!compiled)('a checkpoint is saved to its end, however long that takes', async () => {
    const slow = { LD_PRELOAD: SLOW };
    const running = start(folder, [...TOGETHER, '--out', 'slow'], slow);
    await until(() => hasRows('slow', 1));
    running.process.kill('SIGTERM');
    expect((await running.done).code).toBe(143);
    await expectResumed('slow');
  });
});

describe('a finished run', () => {
  it('is not computed again', async () => {
    const told = await fsam(folder, [...TOGETHER, '--out', 'straight', '--resume']);
    expect(told).toMatchObject({ code: 0 });
    expect(told.stderr).toContain('this run is finished already');
  });

  it('whose summary is gone gets it back', async () => {
    const summary = join(folder, 'straight', 'summary.json');
    const before = readFileSync(summary, 'utf8');
    rmSync(summary);
    const told = await fsam(folder, [...TOGETHER, '--out', 'straight', '--resume']);
    expect([told.code, told.stderr]).toEqual([0, expect.anything()]);
    const bestOf = (text: string): unknown =>
      ({ ...JSON.parse(text), total_seconds: 0 }) as unknown;
    expect(bestOf(readFileSync(summary, 'utf8'))).toEqual(bestOf(before));
  });
});

it('a run that diverges says so once, and blames no worker', async () => {
  const away = ['--set', 'schedule.learningRate=1e30', '--set', 'optimizer.rho=1e10'];
  const told = await fsam(folder, [...TOGETHER, ...away, '--out', 'diverged']);
  expect(told.code).toBe(1);
  expect(told.stderr.match(/training has diverged/g)).toHaveLength(1);
  expect(told.stderr).not.toMatch(/is not there|did not answer|was lost/);
});

it('a mistake of all is told once', async () => {
  const nowhere = ['--set', 'data.name=cifar10', '--data-dir', 'nowhere'];
  const told = await fsam(folder, [...TOGETHER, ...nowhere, '--out', 'mistaken']);
  expect(told.code).toBe(2);
  expect(told.stderr).toMatch(/^fsam: data\.directory nowhere: there is no such .*\n$/);
});

describe('what goes wrong in the second worker alone', () => {
  /** A module that every process loads first; it does `what` in the second worker. */
  function inSecond(name: string, what: string): NodeJS.ProcessEnv {
    const path = join(folder, name);
    writeFileSync(path, `if (process.env.FSAM_WORKER?.startsWith('1,')) { ${what} }\n`);
    return { NODE_OPTIONS: `--import ${path}` };
  }

  it('a mistake is told with its number', async () => {
    const environment = inSecond(
      'mistake.mjs',
      "process.argv.push('--set', 'data.name=cifar10', '--data-dir', 'nowhere');",
    );
    const told = await fsam(folder, [...TOGETHER, '--out', 'one-mistaken'], environment);
    expect(told.code).toBe(2);
    expect(told.stderr).toMatch(
      /^fsam: worker 1: data\.directory nowhere: there is no such .*\n$/m,
    );
    expect(told.stderr).not.toMatch(/is not there|did not answer/);
  });

  it('an end without a word is told', async () => {
    const environment = inSecond('silent.mjs', 'setTimeout(() => process.reallyExit(3), 500);');
    const told = await fsam(folder, [...TOGETHER, '--out', 'one-silent'], environment);
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('worker 1 ended with exit code 3; --resume goes on');
  });
});

it('goes on with another number of workers, and says that the numbers differ', async () => {
  const running = start(folder, [...TOGETHER, '--out', 'fewer']);
  await until(() => hasRows('fewer', 3));
  running.process.kill('SIGTERM');
  await running.done;
  const alone = start(folder, [...TRAIN, '--out', 'fewer', '--resume']);
  await alone.until(/epoch/);
  alone.process.kill('SIGTERM');
  expect((await alone.done).stderr).toContain('workers: goes on with 1, after 2');
  const again = await fsam(folder, [...TOGETHER, '--out', 'fewer', '--resume']);
  expect(again.code).toBe(0);
  expect(again.stderr).toContain('workers: goes on with 2, after 1');
  // No repetition of the run that two workers made from beginning to end.
  const report = await fsam(folder, ['report', 'straight', 'fewer', '--out', 'report']);
  expect([report.code, report.stderr]).toEqual([0, expect.anything()]);
  const table = read('report', 'table.md');
  expect(table.split('\n').filter((line) => line.startsWith('|')).length).toBeGreaterThanOrEqual(4);
  expect(table).toContain('2+1+2');
});

describe('workers that TF_CONFIG names', () => {
  const OPEN = [...TRAIN, '--open-server', '--worker-timeout', '6'];
  /** Starts those that `changes` has a row for, each with arguments of its own. */
  async function announced(changes: readonly (readonly string[] | null)[], out: string) {
    const worker = (await freePorts(changes.length)).map((port) => `127.0.0.1:${port}`);
    const running = changes.map(async (more, index) => {
      if (more === null) return null;
      const task = { type: 'worker', index };
      const environment = { TF_CONFIG: JSON.stringify({ cluster: { worker }, task }) };
      return fsam(folder, [...OPEN, '--out', out, ...more], environment);
    });
    return Promise.all(running);
  }

  it('write what those of --workers write', async () => {
    const told = await announced([[], []], 'named');
    expect(told.map((one) => one?.code)).toEqual([0, 0]);
    expect(metrics('named')).toBe(metrics('straight'));
  });

  it('are told of a first one that never comes', async () => {
    const [, second] = await announced([null, []], 'headless');
    expect(second?.code).toBe(1);
    expect(second?.stderr).toMatch(
      /^fsam: worker 1: worker 0 \(127.0.0.1:\d+\) is not there .*\n$/,
    );
  });

  it('are told of a third one that never comes', async () => {
    const [first, second] = await announced([[], [], null], 'short');
    for (const one of [first, second]) {
      expect(one?.code).toBe(1);
      expect(one?.stderr).toContain('worker 2 (127.0.0.1:');
    }
    expect(existsSync(join(folder, 'short', 'metrics.csv'))).toBe(false);
  });

  it.each([
    ['seed', ['--seed', '7']],
    ['configuration', ['--set', 'schedule.learningRate=0.1']],
    ['data set', ['--set', 'data.synthetic.train=100']],
    ['share of the evaluation', ['--set', 'evaluationBatchSize=7']],
  ])('are refused with another %s', async (_, change) => {
    const told = await announced([[], change], 'mixed');
    for (const one of told) {
      expect(one?.code).toBe(2);
      expect(one?.stderr).toContain('worker 1 trains something else than worker 0');
    }
    expect(existsSync(join(folder, 'mixed', 'metrics.csv'))).toBe(false);
  });
});

it('pictures: two workers write the bytes of two devices', async () => {
  execFileSync(process.execPath, [DRAW, join(folder, 'pictures')]);
  const config = join(ROOT, 'configs/tiny/imagenet-resnet18.yaml');
  const train = ['train', '--config', config, '--data-dir', 'pictures', '--threads', '1'];
  // The whole test set is one batch: the second worker has no turn.
  const args = [...train, '--epochs', '2', '--set', 'batchSize=4'];
  const two = [...args, '--workers', '2', '--open-server', '--out', 'pictures-two'];
  expect(await fsam(folder, two)).toMatchObject({ code: 0 });
  expect((await fsam(folder, [...args, '--set', 'devices=2', '--out', 'pictures-one'])).code).toBe(
    0,
  );
  expect(metrics('pictures-two')).toBe(metrics('pictures-one'));
});

it('workers that others have started start none', async () => {
  const cluster = { worker: ['127.0.0.1:1', '127.0.0.1:2'] };
  const environment = {
    TF_CONFIG: JSON.stringify({ cluster, task: { type: 'worker', index: 1 } }),
  };
  const told = await fsam(folder, [...TOGETHER, '--out', 'refused'], environment);
  expect(told.code).toBe(2);
  expect(told.stderr).toContain(
    '--workers: got 2 in one of several processes that srun or TF_CONFIG',
  );
});

it('workers that others have started train alone where they are told to', async () => {
  const tasks = { SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1', SLURM_STEP_NODELIST: 'nowhere' };
  const args = ['train', '--config', 'smoke', '--max-steps', '2', '--out', 'alone'];
  expect((await fsam(folder, args, tasks)).code).toBe(2);
  expect(await fsam(folder, [...args, '--alone'], tasks)).toMatchObject({ code: 0 });
  expect(JSON.parse(read('alone', 'environment.json'))).toMatchObject({ workers: 1 });
});

it.each([
  [
    TOGETHER.filter((word) => word !== '--open-server'),
    '--open-server says that the network is closed',
  ],
  [[...TOGETHER, '--set', 'xla=on'], 'xla: got on with several workers, wanted off, or one worker'],
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
