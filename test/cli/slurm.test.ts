// A sweep through a real Slurm: one node on this machine, where Slurm is installed.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fsam, temporaryFolder } from './support/fsam.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/slurm-node.sh', import.meta.url));
const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
const missing = ['munged', 'slurmctld', 'slurmd', 'sbatch'].filter(
  (program) => !path.split(':').some((folder) => existsSync(join(folder, program))),
);
const reason = missing.length > 0 ? `skipped: ${missing.join(', ')} not installed` : 'on one node';

describe.skipIf(missing.length > 0)(`fsam sweep --launcher slurm (${reason})`, () => {
  const node = temporaryFolder();
  const environment = { SLURM_CONF: join(node, 'slurm.conf') };
  const slurm = async (program: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, ...environment };
    return (await promisify(execFile)(program, args, { env })).stdout.trim();
  };
  beforeAll(() => {
    execFileSync(SCRIPT, ['start', node]);
  });
  afterAll(() => {
    execFileSync(SCRIPT, ['stop', node]);
  });
  const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

  it('runs every point, over a requeue and a limit, to the summary of a local sweep', async () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'trial.yaml'),
      'name: trial\nbase: smoke\nset: { epochs: 30 }\naxes:\n  optimizer.name: [sgd, fsam]\n  seed: [1, 2]\n',
    );
    const command = ['sweep', '--config', 'trial.yaml'];
    const submission = [...command, '--launcher', 'slurm', '--slurm.partition', 'fsam'];
    const submitted = await fsam(folder, submission, environment);
    expect(submitted.stderr).toBe('');
    const array = /^submitted array (\d+): 4 tasks/m.exec(submitted.stdout)?.[1] ?? '';
    const again = await fsam(folder, submission, environment);
    expect(again.stdout).toContain('nothing to submit');

    const run = join(folder, 'results/trial/sgd/seed-1');
    while (!existsSync(join(run, 'metrics.csv'))) await pause();
    await slurm('scontrol', 'requeue', `${array}_1`);
    while (!existsSync(join(folder, 'results/trial/sgd/seed-2/metrics.csv'))) await pause();
    // What Slurm sends before the limit.
    await slurm('scancel', '--signal=USR1', '--batch', `${array}_2`);
    const status = await fsam(folder, [...command, '--status'], environment);
    expect(status.stdout).toMatch(new RegExp(`Slurm array ${array}: (PENDING|RUNNING)`));
    while ((await slurm('squeue', '--noheader')) !== '') await pause();

    const done = await fsam(folder, [...command, '--status'], environment);
    expect(done.stdout).toContain('4 points in results/trial: 4 done');
    const { resumed } = JSON.parse(readFileSync(join(run, 'environment.json'), 'utf8')) as {
      resumed: unknown[];
    };
    expect(resumed).toHaveLength(1);
    const local = [...command, '--no-estimate', '--threads', '1'];
    expect((await fsam(folder, local)).stdout).toContain('4 done');
    expect((await fsam(folder, [...local, '--jobs', '2', '--out', 'local'])).code).toBe(0);
    const summary = (at: string) => readFileSync(join(folder, at, 'summary.csv'), 'utf8');
    expect(summary('results/trial')).toBe(summary('local'));
  });

  it('says in one line what Slurm refuses', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'trial.yaml'), 'name: trial\nbase: smoke\naxes:\n  seed: [1]\n');
    const args = ['sweep', '--config', 'trial.yaml', '--launcher', 'slurm'];
    const { code, stderr } = await fsam(folder, [...args, '--slurm.partition', 'no'], environment);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fsam: sbatch: .*invalid partition.*\n$/i);
    const without = await fsam(folder, args, { ...environment, PATH: '/nowhere' });
    expect(without.stderr).toMatch(/^fsam: sbatch: not found, wanted Slurm's commands/);
  });
});
