// What a sweep decides and tells a reporter, without a command line around it.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import type { SweepReporter } from '../../src/sweep/reporter.js';
import { runSweep, submitSweep, tellStandings } from '../../src/sweep/sweep.js';
import { acquireLock } from '../../src/util/lock.js';
import type { StopSignal } from '../../src/util/stop-signals.js';
import { writeRun } from './report-support.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'fsam-told-')));
afterAll(() => {
  rmSync(root, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
});

type Told = [kind: string, ...what: unknown[]];

/** Collects what is told, by the name of the method. */
function collect(): { reporter: SweepReporter; told: Told[] } {
  const told: Told[] = [];
  const reporter = new Proxy({} as SweepReporter, {
    get:
      (_, kind: string) =>
      (...what: unknown[]) => {
        if (kind !== 'standings') return void told.push([kind, ...what]);
        const { standings } = what[0] as Parameters<SweepReporter['standings']>[0];
        told.push([kind, ...standings.map(({ point, state }) => `${point.name} ${state.kind}`)]);
      },
  });
  return { reporter, told };
}

let sweeps = 0;

/** A sweep over four seeds: the first is done, the second on its way, the others have not begun. */
function sweepFolder() {
  const folder = join(root, `sweep-${++sweeps}`);
  writeRun(join(folder, 'sgd/seed-1'));
  writeRun(join(folder, 'sgd/seed-2'), { seed: 2, finished: false });
  const config = join(root, `sweep-${sweeps}.yaml`);
  const base = join(folder, 'sgd/seed-1/config.yaml');
  writeFileSync(config, `name: trial\nbase: ${base}\naxes: { seed: [1, 2, 3, 4] }\n`);
  const named = { config, assignments: [], overrides: {}, mostPoints: 4 };
  const start = { ...named, folder, filters: [], overwrite: false, threads: 2, dryRun: false };
  return { folder, start };
}

/** Signals that come as soon as they are listened for. */
const signalled = (signal: StopSignal) => (notify: (signal: StopSignal) => void) => {
  notify(signal);
  return { interruption: { signal }, release: () => undefined };
};
const noSignals = () => ({ interruption: { signal: null }, release: () => undefined });
const noEstimate = () => Promise.reject(new Error('nothing is to be timed'));

const STANDINGS = [
  'standings',
  'sgd/seed-1 done',
  'sgd/seed-2 unfinished',
  'sgd/seed-3 new',
  'sgd/seed-4 new',
];

describe('here', () => {
  test('a dry run looks, foretells from what is left of each point, and writes nothing', async () => {
    const { folder, start } = sweepFolder();
    const { reporter, told } = collect();
    const before = readdirSync(folder, { recursive: true });
    const asked: number[] = [];
    const outcome = await runSweep(
      { ...start, dryRun: true, jobs: 2, outlook: true, estimate: true },
      {
        reporter,
        watchSignals: noSignals,
        askEstimate: ({ configs, threads }) => {
          asked.push(threads, ...configs.map(({ seed }) => seed));
          return Promise.resolve({ seconds: configs.map(() => 100) });
        },
      },
    );
    expect(outcome).toBe(null);
    expect(asked).toEqual([2, 2, 3, 4]);
    // All epochs of seed-2 are done; it has yet to be summed up.
    expect(told).toEqual([STANDINGS, ['expectedTime', { seconds: 100, points: 3, jobs: 2 }]]);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test('a signal that comes first starts no point, and leaves the plan', async () => {
    const { folder, start } = sweepFolder();
    const { reporter, told } = collect();
    const outcome = await runSweep(
      { ...start, jobs: 1, outlook: false, estimate: true },
      { reporter, watchSignals: signalled('SIGTERM'), askEstimate: noEstimate },
    );
    expect(told).toEqual([STANDINGS, ['stopping', 'SIGTERM'], ['begin', 3], ['end']]);
    expect(outcome).toEqual({ folder, points: 4, failed: [], signal: 'SIGTERM' });
    const plan = JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8'));
    expect(plan).toMatchObject({ version: 1, name: 'trial', threads: 2 });
    expect(plan.points).toHaveLength(4);
    expect(existsSync(join(folder, '.fsam-sweep-lock'))).toBe(false);
  });

  test('what cannot run and what another process keeps are failures, in this order', async () => {
    const { folder, start } = sweepFolder();
    const { reporter, told } = collect();
    writeRun(join(folder, 'sgd/seed-3'), { seed: 4 });
    const lock = await acquireLock(join(folder, 'sgd/seed-2/.fsam-lock'));
    const outcome = await runSweep(
      { ...start, filters: ['seed=2', 'seed=3'], jobs: 1, outlook: true, estimate: true },
      { reporter, watchSignals: noSignals, askEstimate: noEstimate },
    );
    await lock.release();
    const none: Told[] = [['begin', 0], ['end']];
    const standings = ['standings', 'sgd/seed-2 running', 'sgd/seed-3 invalid'];
    // Looked at once more when all else has ended.
    expect(told).toEqual([standings, ...none, ...none]);
    expect(outcome?.failed.map(({ point, reason }) => [point.name, reason])).toEqual([
      ['sgd/seed-3', expect.stringContaining('another configuration (seed: 4 -> 3)')],
      ['sgd/seed-2', 'another process is at work on it'],
    ]);
  });
});

describe('through Slurm, whose programs are replaced', () => {
  const SLURM = {
    partition: null,
    time: null,
    mem: null,
    gpus: null,
    nodes: 1,
    processesPerNode: 1,
    workerTimeoutSeconds: 300,
    account: null,
    qos: null,
    constraint: null,
    maxRunning: 1,
    signalSeconds: 120,
  };
  const programs = mkdtempSync(join(root, 'slurm-'));
  const replace = (program: string, body: string): void => {
    writeFileSync(join(programs, program), `#!/bin/sh\n${body}\n`);
    chmodSync(join(programs, program), 0o755);
  };
  const useThem = (): void => {
    rmSync(join(programs, 'orders'), { force: true });
    replace('scontrol', 'echo MaxArraySize = 3');
    replace('sbatch', `echo "$@" >> ${programs}/orders; wc -l < ${programs}/orders`);
    replace('squeue', `echo '1|PENDING|Priority'`);
    vi.stubEnv('PATH', `${programs}:${process.env['PATH'] ?? ''}`);
  };

  test('arrays of the size it takes wait for each other; what is queued is not submitted again', async () => {
    useThem();
    const { folder, start } = sweepFolder();
    const { reporter, told } = collect();
    const request = { ...start, options: SLURM };
    await submitSweep(request, reporter);
    const logs = join(folder, 'slurm');
    expect(told).toEqual([
      STANDINGS,
      ['arraySubmitted', { array: '1', tasks: 2, logs }],
      ['arraySubmitted', { array: '2', tasks: 1, logs }],
      ['allSubmitted'],
    ]);
    expect(readFileSync(join(programs, 'orders'), 'utf8').trim().split('\n')).toEqual([
      `--parsable ${logs}/array-1.sh`,
      `--parsable --dependency=afterany:1 ${logs}/array-2.sh`,
    ]);

    // The queue has the first task of either array: seed-2 and seed-4.
    told.length = 0;
    await submitSweep({ ...request, filters: ['seed=2', 'seed=4'] }, reporter);
    expect(told.slice(1)).toEqual([['nothingToSubmit']]);
    const changed = { ...request, assignments: ['epochs=5'], filters: ['seed=4'] };
    await expect(submitSweep(changed, reporter)).rejects.toThrow(
      /1 task of array 2 in the queue is for another configuration \(2_1, sgd\/seed-4: epochs: 3 -> 5\)/,
    );
  });

  test('a dry run tells the script, and the status what the queue has or why it is not known', async () => {
    useThem();
    const { folder, start } = sweepFolder();
    const { reporter, told } = collect();
    await submitSweep({ ...start, dryRun: true, options: SLURM }, reporter);
    const script = expect.stringContaining('#SBATCH --array=1-3%1\n#SBATCH --cpus-per-task=2');
    expect(told).toEqual([STANDINGS, ['script', script]]);
    expect(existsSync(join(folder, 'slurm'))).toBe(false);

    await submitSweep({ ...start, options: SLURM }, reporter);
    told.length = 0;
    replace('squeue', 'echo "squeue: no controller" >&2; exit 1');
    await tellStandings(start, reporter);
    const reason = 'squeue: squeue: no controller; see the options --slurm.*';
    expect(told).toEqual([['queueUnknown', reason], STANDINGS]);
  });
});
