// The batch script of a sweep's array: bash takes it, and Slurm's words are in it.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quote, sbatchScript } from '../../src/sweep/slurm.js';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';

const folder = temporaryFolder();

const OPTIONS = {
  partition: 'gpu',
  time: '2:00:00',
  mem: null,
  gpus: 'a100:1',
  nodes: 1,
  processesPerNode: 1,
  workerTimeoutSeconds: 300,
  account: null,
  qos: null,
  constraint: null,
  maxRunning: 4,
  signalSeconds: 90,
};
const script = (
  command: readonly string[],
  logFolder = '/home/me/my runs/slurm',
  options = OPTIONS,
): string =>
  sbatchScript({
    name: 'trial',
    tasks: 4,
    threads: 2,
    command,
    workingFolder: '/home/me/my runs',
    logFolder,
    options,
  });

test.each(['plain', "it's", 'two words', '$HOME `x` "y" \\', ''])('bash reads %j back', (word) => {
  const said = execFileSync('bash', ['-c', `printf %s ${quote(word)}`], { encoding: 'utf8' });
  expect(said).toBe(word);
});

test('Slurm replaces nothing in the path of the logs but the numbers of the task', () => {
  const folder = '/home/me/50%a of %j';
  expect(script(['fsam'], folder)).toContain(
    `#SBATCH --output="/home/me/50%%a of %%j/%A_%a.log"\n`,
  );
});

test('the directives say what was asked, and nothing that was not', () => {
  const lines = script(['fsam']).split('\n');
  expect(lines.filter((line) => line.startsWith('#SBATCH'))).toEqual([
    '#SBATCH --job-name=trial',
    '#SBATCH --array=1-4%4',
    '#SBATCH --cpus-per-task=2',
    '#SBATCH --partition=gpu',
    '#SBATCH --time=2:00:00',
    '#SBATCH --gpus-per-task=a100:1',
    '#SBATCH --ntasks=1',
    '#SBATCH --chdir="/home/me/my runs"',
    '#SBATCH --output="/home/me/my runs/slurm/%A_%a.log"',
    '#SBATCH --open-mode=append',
    '#SBATCH --requeue',
    '#SBATCH --signal=B:USR1@90',
  ]);
});

test('several processes of a point are started by srun, on the nodes that were asked for', () => {
  const shared = { ...OPTIONS, nodes: 2, processesPerNode: 4, workerTimeoutSeconds: 60 };
  const lines = script(['fsam', 'a b'], '/logs', shared).split('\n');
  expect(lines).toContain('#SBATCH --nodes=2');
  expect(lines).toContain('#SBATCH --ntasks=8');
  expect(lines).toContain('#SBATCH --ntasks-per-node=4');
  expect(lines).toContain(
    `srun --kill-on-bad-exit=0 --cpus-per-task=2 fsam 'a b' --slurm.worker-timeout=60 --task "$SLURM_ARRAY_TASK_ID" &`,
  );
});

describe('run by bash, with scontrol replaced', () => {
  const requeued = join(folder, 'requeued');
  writeProgram(join(folder, 'scontrol'), `echo "$@" >> '${requeued}'`);
  // Says that it is there, then leaves with 138 on USR1, with 143 on TERM, after saving for a while.
  writeFileSync(
    join(folder, "a run's.sh"),
    `trap 'sleep 0.3; exit 138' USR1\ntrap 'sleep 0.3; exit 143' TERM\necho "ready $@"\n` +
      'case "$3" in 1) exit 0 ;; 2) exit 1 ;; esac\nfor i in $(seq 100); do sleep 0.1; done\n',
  );

  /** The exit code, and what was requeued. */
  async function run(task: number, signal?: NodeJS.Signals) {
    writeFileSync(requeued, '');
    const child = spawn('bash', ['-c', script(['bash', join(folder, "a run's.sh"), 'x'])], {
      env: {
        PATH: `${folder}:${process.env['PATH'] ?? ''}`,
        SLURM_ARRAY_JOB_ID: '12',
        SLURM_ARRAY_TASK_ID: String(task),
      },
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('ready') && signal !== undefined) child.kill(signal);
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    return { code, said: said.trim(), requeued: readFileSync(requeued, 'utf8').trim() };
  }

  test.each([
    [1, undefined, 0, ''],
    [2, undefined, 1, ''],
    [3, 'SIGUSR1', 138, 'requeue 12_3'],
    [4, 'SIGTERM', 143, ''],
  ] as const)('task %i, %s: exit code %i, requeued: "%s"', async (task, signal, code, again) => {
    expect(await run(task, signal)).toEqual({
      code,
      said: `ready x --task ${task}`,
      requeued: again,
    });
  });
});
