// A sweep through a real Slurm: one node on this machine, where Slurm is installed.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { untilThere } from '../support/wait.js';
import { fsam, LAUNCHER } from './support/fsam.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/slurm-node.sh', import.meta.url));
const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const missing = ['munged', 'slurmctld', 'slurmd', 'sbatch'].filter(
  (program) => !path.split(':').some((folder) => existsSync(join(folder, program))),
);
const reason = missing.length > 0 ? `skipped: ${missing.join(', ')} not installed` : 'on one node';

/** When the run in a folder went on. */
function resumedIn(run: string): unknown[] {
  const text = readFileSync(join(run, 'environment.json'), 'utf8');
  return (JSON.parse(text) as { resumed?: unknown[] }).resumed ?? [];
}

describe.skipIf(missing.length > 0)(`fsam sweep --launcher slurm (${reason})`, () => {
  const node = temporaryFolder();
  const environment = { SLURM_CONF: join(node, 'slurm.conf') };
  const slurm = async (program: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, ...environment };
    return (await promisify(execFile)(program, args, { env })).stdout.trim();
  };
  beforeAll(() => {
    execFileSync(SCRIPT, ['start', node], {
      env: { ...process.env, SLURM_NODE_MAX_ARRAY_SIZE: '5' },
    });
  });
  afterAll(() => {
    execFileSync(SCRIPT, ['stop', node]);
  });
  const pause = () => sleep(200);

  it('runs every point, over a requeue and a limit, to the summary of a local sweep', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'trial.yaml'),
      'name: trial\nbase: smoke\nset: { epochs: 150 }\naxes:\n  optimizer.name: [sgd, fsam]\n  seed: [1, 2]\n',
    );
    const command = ['sweep', '--config', 'trial.yaml'];
    const submission = [...command, '--launcher', 'slurm', '--slurm.partition', 'fsam'];
    const submitted = await fsam(folder, submission, environment);
    expect(submitted.stderr).toBe('');
    const array = /^submitted array (\d+): 4 tasks/m.exec(submitted.stdout)?.[1] ?? '';
    const again = await fsam(folder, submission, environment);
    expect(again.stdout).toContain('nothing to submit');

    const run = join(folder, 'results/trial/sgd/seed-1');
    await untilThere(join(run, 'metrics.csv'));
    await slurm('scontrol', 'requeue', `${array}_1`);
    await untilThere(join(folder, 'results/trial/sgd/seed-2/metrics.csv'));
    // What Slurm sends before the limit.
    await slurm('scancel', '--signal=USR1', '--batch', `${array}_2`);
    const status = await fsam(folder, [...command, '--status'], environment);
    expect(status.stdout).toMatch(new RegExp(`Slurm task ${array}_\\d: (PENDING|RUNNING)`));
    while ((await slurm('squeue', '--noheader')) !== '') await pause();

    const done = await fsam(folder, [...command, '--status'], environment);
    expect(done.stdout).toContain('4 points in results/trial: 4 done');
    expect(resumedIn(run)).toHaveLength(1);
    const local = [...command, '--no-estimate', '--threads', '1'];
    expect((await fsam(folder, local)).stdout).toContain('4 done');
    expect((await fsam(folder, [...local, '--jobs', '2', '--out', 'local'])).code).toBe(0);
    const summary = (at: string) => readFileSync(join(folder, at, 'summary.csv'), 'utf8');
    expect(summary('results/trial')).toBe(summary('local'));
  });

  it('runs each task as it was submitted, in arrays of the size that Slurm takes', async () => {
    const folder = temporaryFolder();
    const write = (epochs: number, seeds: readonly number[]): void => {
      const text = `name: trial\nbase: smoke\nset: { epochs: ${epochs} }\naxes:\n  seed: [${seeds.join(', ')}]\n`;
      writeFileSync(join(folder, 'trial.yaml'), text);
    };
    const command = ['sweep', '--config', 'trial.yaml'];
    const submission = [...command, '--launcher', 'slurm', '--jobs', '2'];
    const submit = () => fsam(folder, submission, environment);
    await slurm('scontrol', 'update', 'PartitionName=fsam', 'State=DOWN');
    write(2, [1, 2, 3, 4, 5, 6]);
    const { stdout, stderr } = await submit();
    expect(stderr).toBe('');
    const [first = '', second = ''] = [
      ...stdout.matchAll(/^submitted array (\d+): [42] tasks/gm),
    ].map(([, array]) => array);
    // No more than two at a time, also of both arrays together.
    expect(await slurm('squeue', '--noheader', `--jobs=${second}`, '--format=%E')).toContain(
      `afterany:${first}`,
    );
    expect((await submit()).stdout).toContain('nothing to submit');

    // Numbers the points anew, and runs one of them.
    write(2, [6, 5, 4, 3]);
    const local = await fsam(folder, [...command, '--filter', 'seed=6', '--no-estimate']);
    expect(local.code).toBe(0);
    const status = await fsam(folder, [...command, '--status'], environment);
    expect(status.stdout).toMatch(
      new RegExp(`^ +4 .*seed-3 .*Slurm task ${first}_3: PENDING`, 'm'),
    );

    write(3, [1, 2, 3, 4, 5, 6]);
    const changed = await submit();
    expect(changed.code).toBe(2);
    expect(changed.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^fsam: results/trial: 4 tasks of array ${first} in the queue are for another configuration ` +
            `\\(${first}_1, .*/seed-1: epochs: 2 -> 3\\); .* scancel ${first} and submit again$`,
        ),
      ),
      expect.stringContaining(`array ${second}`),
    ]);

    await slurm('scontrol', 'update', 'PartitionName=fsam', 'State=UP');
    while ((await slurm('squeue', '--noheader')) !== '') await pause();
    write(2, [1, 2, 3, 4, 5, 6]);
    const done = await fsam(folder, [...command, '--status'], environment);
    expect(done.stdout).toContain('6 points in results/trial: 6 done');
    // The log of a task tells its point.
    const logs = join(folder, 'results/trial/slurm');
    expect(readdirSync(logs)).toContain(`${first}_3.log`);
  });

  it('two tasks of a step train together, over a requeue, to the bytes of two local workers', async () => {
    const folder = temporaryFolder();
    const train = [
      ...['train', '--config', 'smoke', '--epochs', '60', '--threads', '1'],
      ...['--worker-timeout', '60'],
    ];
    const words = [LAUNCHER, ...train, '--resume', '--out', 'run'].map((word) => `'${word}'`);
    writeFileSync(
      join(folder, 'job.sh'),
      `#!/bin/bash\nsrun --ntasks 2 --overcommit --kill-on-bad-exit=0 ${words.join(' ')}\n`,
    );
    const options = ['--parsable', '--requeue', '--ntasks', '2', '--overcommit', '--chdir', folder];
    const job = await slurm('sbatch', ...options, '--output', 'job-%j.log', join(folder, 'job.sh'));
    const metrics = (run: string) => readFileSync(join(folder, run, 'metrics.csv'), 'utf8');
    await untilThere(join(folder, 'run/metrics.csv'));
    while (metrics('run').split('\n').length < 4) await pause();
    await slurm('scontrol', 'requeue', job);
    while ((await slurm('squeue', '--noheader')) !== '') await pause();
    expect(existsSync(join(folder, 'run/summary.json'))).toBe(true);
    expect(resumedIn(join(folder, 'run'))).toHaveLength(1);
    const local = [...train, '--workers', '2', '--open-server', '--out', 'local'];
    expect((await fsam(folder, local)).code).toBe(0);
    expect(metrics('run')).toBe(metrics('local'));
  });

  it('a point of two processes goes on over a requeue, to the bytes of two local workers', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'trial.yaml'),
      'name: trial\nbase: smoke\nset: { epochs: 150 }\naxes:\n  seed: [1]\n  optimizer.name: [sgd]\n',
    );
    const command = ['sweep', '--config', 'trial.yaml', '--launcher', 'slurm', '--threads', '1'];
    const shared = ['--slurm.nodes', '1', '--slurm.processes-per-node', '2'];
    const submitted = await fsam(folder, [...command, ...shared], environment);
    expect(submitted.stderr).toBe('');
    const array = /^submitted array (\d+): 1 task/m.exec(submitted.stdout)?.[1] ?? '';
    const run = join(folder, 'results/trial/sgd/seed-1');
    const metrics = (of: string) => readFileSync(join(of, 'metrics.csv'), 'utf8');
    await untilThere(join(run, 'metrics.csv'));
    while (metrics(run).split('\n').length < 4) await pause();
    await slurm('scontrol', 'requeue', `${array}_1`);
    // Told before the limit, it saves and queues again.
    await untilThere(join(run, 'environment.json'));
    while (resumedIn(run).length < 1 && (await slurm('squeue', '--noheader')) !== '') await pause();
    await slurm('scancel', '--signal=USR1', '--batch', `${array}_1`);
    while ((await slurm('squeue', '--noheader')) !== '') await pause();
    expect(resumedIn(run)).toHaveLength(2);
    expect(existsSync(join(run, 'summary.json'))).toBe(true);
    const train = ['train', '--config', 'smoke', '--epochs', '150', '--threads', '1'];
    const sgd = ['--set', 'optimizer.name=sgd'];
    const local = [...train, ...sgd, '--workers', '2', '--open-server', '--out', 'local'];
    expect((await fsam(folder, local)).code).toBe(0);
    expect(metrics(run)).toBe(metrics(join(folder, 'local')));
  });

  it('says in one line what Slurm refuses', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'trial.yaml'), 'name: trial\nbase: smoke\naxes:\n  seed: [1]\n');
    const args = ['sweep', '--config', 'trial.yaml', '--launcher', 'slurm'];
    const { code, stderr } = await fsam(folder, [...args, '--slurm.partition', 'no'], environment);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fsam: sbatch: .*invalid partition.*\n$/i);
    expect(readdirSync(join(folder, 'results/trial/slurm'))).toEqual([]);
    symlinkSync(process.execPath, join(folder, 'node'));
    const without = await fsam(folder, args, { ...environment, PATH: folder });
    expect(without.stderr).toMatch(/^fsam: scontrol: not found, wanted Slurm's commands/);
  });
});
