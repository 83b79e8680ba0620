// A sweep as a user sees it: the plan, the runs, and what is left after failures and kills.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { read, temporaryFolder } from '../support/folders.js';
import { MINUTES, untilThere } from '../support/wait.js';
import { fsam, start } from './support/fsam.js';

const HEAD = 'name: trial\nbase: smoke\n';
const AXES = 'axes:\n  optimizer.name: [sgd, fsam]\n  seed: [1, 2]\n';

function sweepFolder(text: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'trial.yaml'), HEAD + text);
  return folder;
}
const SWEEP = ['sweep', '--config', 'trial.yaml', '--no-estimate'];
const metrics = (folder: string, point: string): string =>
  read(folder, 'results/trial', point, 'metrics.csv');

describe('fsam sweep', () => {
  it('prints the plan and the time, and with --dry-run does nothing', async () => {
    const folder = sweepFolder(AXES);
    const args = ['sweep', '--config', 'trial.yaml', '--dry-run', '--jobs', '2'];
    const { code, stdout } = await fsam(folder, args);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('sweep trial: 4 points in results/trial: 4 new');
    expect(lines[1]).toMatch(/^ +1 {2}sgd\/seed-1 +new$/);
    expect(lines[5]).toMatch(/^expected time: about [\d.]+ s for 4 points, 2 at a time$/);
    expect(readdirSync(folder)).toEqual(['trial.yaml']);
  });

  it('prints the script of its Slurm tasks with the submission where it would lie', async () => {
    const folder = sweepFolder(AXES);
    const { stdout } = await fsam(folder, [...SWEEP, '--launcher', 'slurm', '--dry-run']);
    expect(stdout).toContain(` --array ${folder}/results/trial/slurm/array-1.json `);
  });

  it('refuses a summary.csv of the user before anything runs', async () => {
    const folder = sweepFolder(AXES);
    mkdirSync(join(folder, 'results/trial'), { recursive: true });
    writeFileSync(join(folder, 'results/trial/summary.csv'), 'mine');
    const { code, stderr } = await fsam(folder, [...SWEEP, '--quiet']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^fsam: results\/trial\/summary\.csv: is not from fsam, .*\n$/);
    expect(readdirSync(join(folder, 'results/trial'))).toEqual(['summary.csv']);
  });

  it('refuses a sweep.json of the user, also where fsam wrote other files', async () => {
    const folder = sweepFolder(AXES);
    const results = join(folder, 'results/trial');
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, 'sweep.json'), '{"mine":1}');
    for (const listed of [false, true]) {
      if (listed) writeFileSync(join(results, '.fsam-files.json'), '{"note":"","files":[]}');
      const { code, stderr } = await fsam(folder, [...SWEEP, '--quiet']);
      expect(stderr).toMatch(/^fsam: results\/trial\/sweep\.json: .*\n$/);
      expect(code).toBe(2);
      expect(readFileSync(join(results, 'sweep.json'), 'utf8')).toBe('{"mine":1}');
    }
  });

  it('exits with 1 where another process stays at work on a point', async () => {
    const folder = sweepFolder('set: { epochs: 2000 }\naxes:\n  optimizer.name: [sgd]\n');
    const config = ['--config', 'smoke', '--set', 'optimizer.name=sgd', '--epochs', '2000'];
    const other = start(folder, ['train', ...config, '--out', 'results/trial/sgd/seed-1']);
    const rows = join(folder, 'results/trial/sgd/seed-1/metrics.csv');
    await untilThere(rows);
    const { code, stdout, stderr } = await fsam(folder, SWEEP);
    expect(stdout).toContain('1 running');
    expect(stderr).toMatch(/^failed: sgd\/seed-1: another process is at work on it$/m);
    expect(stderr).toContain('fsam: 1 of 1 point failed');
    expect(code).toBe(1);
    other.process.kill('SIGTERM');
    await other.done;
  });

  it('runs a point last that another process was at work on and has left', async () => {
    const folder = sweepFolder(`set: { epochs: 20 }\n${AXES}`);
    const config = ['--config', 'smoke', '--set', 'optimizer.name=sgd', '--epochs', '20'];
    const other = start(folder, ['train', ...config, '--out', 'results/trial/sgd/seed-1']);
    const rows = join(folder, 'results/trial/sgd/seed-1/metrics.csv');
    await untilThere(rows);
    // Held still, it is at work however long the sweep takes to look.
    other.process.kill('SIGSTOP');
    const sweep = start(folder, SWEEP);
    await sweep.until(/1 running, 3 new/);
    other.process.kill('SIGTERM');
    other.process.kill('SIGCONT');
    await other.done;
    const { code, stdout } = await sweep.done;
    expect(stdout).toMatch(/^\[3\/3\] .*\n\[1\/1\] sgd\/seed-1 {2}test accuracy/m);
    expect(code).toBe(0);
  });

  it('tells how far it is where there is no Slurm to ask, and that it could not ask', async () => {
    const folder = sweepFolder(AXES);
    mkdirSync(join(folder, 'results/trial/slurm'), { recursive: true });
    const config = configSchema.parse({
      name: 'smoke',
      data: { name: 'synthetic' },
      model: { name: 'resnet18' },
      optimizer: { name: 'sgd' },
    });
    const tasks = [{ name: 'sgd/seed-1', config, overwrites: false }];
    writeFileSync(
      join(folder, 'results/trial/slurm/array-1.json'),
      JSON.stringify({ version: 1, array: '7', ended: false, threads: 1, tasks }),
    );
    const empty = temporaryFolder();
    symlinkSync(process.execPath, join(empty, 'node'));
    const environment = { PATH: `${empty}:/nowhere` };
    const { code, stdout, stderr } = await fsam(folder, [...SWEEP, '--status'], environment);
    expect(stderr).toMatch(/^the queue is not known: squeue: not found\b.*\n$/);
    expect(stdout).toContain('sweep trial: 4 points in results/trial: 4 new');
    expect(code).toBe(0);
  });

  it('runs every point as fsam train would, and then has nothing left to do', async () => {
    const folder = sweepFolder(AXES);
    const { code, stdout } = await fsam(folder, [...SWEEP, '--jobs', '2', '--threads', '2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\[4\/4\] \S+ {2}test accuracy [\d.]+ %, best [\d.]+ % {2}.* s$/m);
    const alone = ['train', '--config', 'smoke', '--set', 'optimizer.name=sgd', '--seed', '2'];
    const environment = { TF_NUM_INTRAOP_THREADS: '2' };
    expect((await fsam(folder, [...alone, '--out', 'alone'], environment)).code).toBe(0);
    expect(metrics(folder, 'sgd/seed-2')).toBe(
      readFileSync(join(folder, 'alone/metrics.csv'), 'utf8'),
    );
    const again = await fsam(folder, [...SWEEP, '--jobs', '2']);
    expect(again.stdout).toContain('sweep trial: 4 points in results/trial: 4 done');
    expect(again.stdout).not.toContain('[1/');
  });

  it('runs what it can beside a wrong point, names it, and after mending runs only that', async () => {
    const folder = sweepFolder('axes:\n  optimizer.rho: [0.05, -1, 0.2, 0.3]\n');
    const first = await fsam(folder, SWEEP);
    expect(first.code).toBe(1);
    expect(first.stdout).toContain('[3/3]');
    expect(first.stderr).toMatch(
      /^failed: rho-1\/seed-1: trial\.yaml:4: optimizer\.rho: got -1, wanted a number of at least 0$/m,
    );
    expect(first.stderr).toContain('fsam: 1 of 4 points failed');
    writeFileSync(
      join(folder, 'trial.yaml'),
      `${HEAD}axes:\n  optimizer.rho: [0.05, 0.1, 0.2, 0.3]\n`,
    );
    const second = await fsam(folder, SWEEP);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain('3 done, 1 new');
    expect(second.stdout).toContain('[1/1] rho0.1/seed-1');
  });

  it('leaves the reason of a failed run in its folder, and tries it again', async () => {
    const folder = sweepFolder('axes:\n  schedule.learningRate: [0.05, 1e30]\n');
    const first = await fsam(folder, SWEEP);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(
      /^failed: learningRate1e\+30\/seed-1: .*the training loss is NaN/m,
    );
    const failure = join(folder, 'results/trial/learningRate1e+30/seed-1/failure.json');
    expect(JSON.parse(readFileSync(failure, 'utf8'))).toMatchObject({ exitCode: 1 });
    const second = await fsam(folder, [...SWEEP, '--dry-run']);
    expect(second.stdout).toMatch(/learningRate1e\+30\/seed-1 +failed: .*the training loss is NaN/);
    expect((await fsam(folder, SWEEP)).stdout).toContain('[1/1] learningRate1e+30');
  });

  it('goes on after SIGTERM, and after SIGKILL of it alone, as if nothing had been', async () => {
    const long = `set: { epochs: 16 }\n${AXES}`;
    const [straight, stopped] = [sweepFolder(long), sweepFolder(long)];
    expect((await fsam(straight, [...SWEEP, '--jobs', '2'])).code).toBe(0);
    const rows = join(stopped, 'results/trial/sgd/seed-1/metrics.csv');
    const terminated = start(stopped, [...SWEEP, '--jobs', '2']);
    await untilThere(rows);
    terminated.process.kill('SIGTERM');
    const { code, stderr } = await terminated.done;
    expect(code).toBe(143);
    expect(stderr).toContain('every running point finishes its step and saves');
    const killed = start(stopped, [...SWEEP, '--jobs', '2']);
    await killed.until(/\[1\/\d\]/);
    killed.process.kill('SIGKILL');
    await killed.done;
    // Its points find out, save and leave.
    const last = await untilFree(stopped);
    expect(last.code).toBe(0);
    for (const point of ['sgd/seed-1', 'sgd/seed-2', 'fsam/seed-1', 'fsam/seed-2']) {
      expect(metrics(stopped, point)).toBe(metrics(straight, point));
    }
  });

  it.skipIf(!existsSync('/proc/self/task'))(
    'leaves no point behind that had hardly started when the sweep was killed',
    async () => {
      const folder = sweepFolder(`set: { epochs: 1000 }\n${AXES}`);
      const sweep = start(folder, SWEEP);
      const pid = String(sweep.process.pid);
      const isPoint = (child: string) =>
        readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('--point');
      let point: string | undefined;
      while (point === undefined) {
        await sleep(1);
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
        point = children.split(' ').filter(Boolean).find(isPoint);
      }
      sweep.process.kill('SIGKILL');
      await sweep.done;
      const end = Date.now() + MINUTES;
      while (existsSync(`/proc/${point}`) && Date.now() < end) {
        await sleep(50);
      }
      const lives = existsSync(`/proc/${point}`);
      if (lives) process.kill(Number(point), 'SIGKILL');
      expect(lives).toBe(false);
    },
  );

  it('exits with 1 where a point alone was told to stop, and names it', async () => {
    const folder = sweepFolder(`set: { epochs: 30 }\n${AXES}`);
    const sweep = start(folder, SWEEP);
    const lock = join(folder, 'results/trial/sgd/seed-1/.fsam-lock');
    const rows = join(folder, 'results/trial/sgd/seed-1/metrics.csv');
    await untilThere(rows);
    process.kill((JSON.parse(readFileSync(lock, 'utf8')) as { pid: number }).pid, 'SIGTERM');
    const { code, stdout, stderr } = await sweep.done;
    expect(stdout).toContain('[4/4]');
    expect(stderr).toMatch(/^failed: sgd\/seed-1: got SIGTERM from outside and left, unfinished$/m);
    expect(stderr).toContain('fsam: 1 of 4 points failed');
    expect(code).toBe(1);
    const again = await fsam(folder, SWEEP);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('[1/1] sgd/seed-1');
  });

  it('refuses to start a thousand points by mistake, and a second sweep in its folder', async () => {
    const range = '{ from: 0, to: 1, count: 10000 }';
    const folder = sweepFolder(`axes:\n  optimizer.rho: ${range}\n`);
    const { code, stderr } = await fsam(folder, SWEEP);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'fsam: trial.yaml: has 10,000 points; to start more than 1000, say --yes\n',
    );
    const busy = sweepFolder(`set: { epochs: 200 }\n${AXES}`);
    const first = start(busy, SWEEP);
    await first.until(/new/);
    await untilThere(join(busy, 'results/trial/sweep.json'));
    const second = await fsam(busy, SWEEP);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/in use by process \d+/);
    first.process.kill('SIGTERM');
    expect((await first.done).code).toBe(143);
  });
});

/** Starts the sweep until no process of an earlier one holds a point any more. */
async function untilFree(folder: string) {
  for (;;) {
    const result = await fsam(folder, [...SWEEP, '--jobs', '2']);
    if (!/running|in use/.test(result.stdout + result.stderr)) return result;
  }
}
