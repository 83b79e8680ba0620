// The launcher, and what a hang-up of the terminal does: nothing under nohup, otherwise the run saves and leaves.
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { read, temporaryFolder } from '../support/folders.js';
import { untilThere } from '../support/wait.js';
import { fsam, LAUNCHER, start } from './support/fsam.js';

const TRAIN = ['train', '--config', 'smoke', '--epochs', '12', '--out', 'run'];
const metrics = (...path: string[]): string => read(...path, 'metrics.csv');

/** To every process of its group, as the shell does at a hang-up. */
function hangUp(child: { readonly pid?: number | undefined }): void {
  process.kill(-(child.pid ?? 0), 'SIGHUP');
}

it('under nohup a run goes on to its end', async () => {
  const folder = temporaryFolder();
  const run = start(folder, TRAIN, {}, ['nohup']);
  await run.until(/^epoch 1/m);
  hangUp(run.process);
  const { code, stdout } = await run.done;
  expect(code).toBe(0);
  expect(stdout).toContain('epoch 12/12');
});

it('under nohup a sweep goes on, with the processes of its points', async () => {
  const folder = temporaryFolder();
  const text = 'name: trial\nbase: smoke\nset: { epochs: 12 }\naxes:\n  seed: [1, 2]\n';
  writeFileSync(join(folder, 'trial.yaml'), text);
  const sweep = start(folder, ['sweep', '--config', 'trial.yaml'], {}, ['nohup']);
  const rows = join(folder, 'results/trial/fsam-rho0.2-sigma1-lambda0.6/seed-1/metrics.csv');
  await untilThere(rows);
  hangUp(sweep.process);
  const { code, stderr } = await sweep.done;
  expect([code, stderr]).toEqual([0, '']);
});

/** Runs argv in a terminal of its own, closes that when the table has a row, and exits as argv does. */
const IN_TERMINAL = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
while not os.path.exists(sys.argv[1]) or len(open(sys.argv[1]).readlines()) < 2:
    time.sleep(0.02)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

it('a terminal that goes away makes a run save and leave with 129, and --resume gives the straight bytes', async () => {
  const [straight, folder] = [temporaryFolder(), temporaryFolder()];
  expect((await fsam(straight, TRAIN)).code).toBe(0);
  const terminal = ['python3', '-c', IN_TERMINAL, 'run/metrics.csv'];
  expect((await start(folder, TRAIN, {}, terminal).done).code).toBe(129);
  expect(readdirSync(join(folder, 'run/checkpoints'))).not.toEqual([]);
  expect(existsSync(join(folder, 'run/summary.json'))).toBe(false);
  expect((await fsam(folder, [...TRAIN, '--resume'])).code).toBe(0);
  expect(metrics(folder, 'run')).toBe(metrics(straight, 'run'));
});

it('a run that ignores hang-ups outlives its terminal', async () => {
  const folder = temporaryFolder();
  const ignoring = ['sh', '-c', 'trap "" HUP; exec "$@"', 'sh'];
  const terminal = ['python3', '-c', IN_TERMINAL, 'run/metrics.csv', ...ignoring];
  expect((await start(folder, TRAIN, {}, terminal).done).code).toBe(0);
  expect(existsSync(join(folder, 'run/summary.json'))).toBe(true);
});

it('starts through symbolic links, from names with spaces, with NODE_OPTIONS', async () => {
  const folder = join(temporaryFolder(), 'two  words');
  mkdirSync(join(folder, 'clone'), { recursive: true });
  symlinkSync(dirname(dirname(LAUNCHER)), join(folder, 'clone', 'a clone'));
  symlinkSync('clone/a clone/bin/fsam', join(folder, 'relative link'));
  symlinkSync(join(folder, 'relative link'), join(folder, 'fsam'));
  const environment = {
    NODE_OPTIONS: '--no-deprecation',
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
  };
  const answers = [['fsam'], ['./relative link'], ['sh', 'fsam']].map(
    (through) => start(folder, [], environment, ['env', ...through, '--version', '--']).done,
  );
  for (const { code, stdout, stderr } of await Promise.all(answers)) {
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/), '']);
  }
});

it('says that Node is missing', async () => {
  const nowhere = { PATH: '/nowhere' };
  const { code, stderr } = await fsam(temporaryFolder(), ['--version'], nowhere);
  expect([code, stderr]).toEqual([
    2,
    'fsam: there is no program node on the PATH: install Node.js 20.18.1 or later\n',
  ]);
});
