// A run from start to end as a user sees it: lines, folder, eval, signals, resuming.
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../support/csv.js';
import { read, temporaryFolder } from '../support/folders.js';
import { fsam, LAUNCHER, start } from './support/fsam.js';

const smoke = ['train', '--config', 'smoke'];

/** Waits until no thread of the process runs, or would if the machine were less busy: it waits for something. */
async function untilIdle(pid: number): Promise<void> {
  const threads = `/proc/${pid}/task`;
  for (let calm = 0; calm < 20;) {
    await sleep(20);
    const states = readdirSync(threads).map(
      (thread) => read(threads, thread, 'stat').split(') ').at(-1)?.[0],
    );
    calm = states.every((state) => state === 'S') ? calm + 1 : 0;
  }
}

describe('fsam train', () => {
  it('prints a line an epoch and the result on stdout, and writes the run folder', async () => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await fsam(folder, smoke);
    expect(code).toBe(0);
    const run = 'results/smoke/fsam-rho0.2-sigma1-lambda0.6/seed-1';
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^epoch 1\/2 {2}lr .* train .* perturbed .* test .* images\/s$/);
    expect(lines[3]).toBe(`run folder ${run}`);
    expect(stderr).toMatch(
      new RegExp(`^${run}: [\\d,]+ parameters on .* 2 epochs of 4 steps.*\n$`),
    );

    const names = ['config.yaml', 'environment.json', 'metrics.csv', 'summary.json', 'timing.csv'];
    expect(readdirSync(join(folder, run)).sort()).toEqual([
      '.fsam-files.json',
      'checkpoints',
      ...names,
    ]);
    const [header = [], ...rows] = rowsOf(read(folder, run, 'metrics.csv'));
    expect(rows.map(([epoch, step]) => [epoch, step])).toEqual([
      ['1', '4'],
      ['2', '8'],
    ]);
    const accuracy = Number(rows[1]?.[header.indexOf('test_accuracy')]);
    expect(lines[2]).toContain(`test accuracy ${accuracy.toFixed(2)} % after the last epoch`);
    const environment = JSON.parse(read(folder, run, 'environment.json')) as Record<string, string>;
    expect(environment).toMatchObject({ tensorflow: expect.stringMatching(/^2\./) as string });
  });

  it('gives the same bytes for the same command, and for the config.yaml it wrote', async () => {
    const folder = temporaryFolder();
    const change = [
      '--set',
      'optimizer.rho=0.1',
      '--subset',
      '64,32',
      '--seed',
      '5',
      '--seed',
      '7',
    ];
    for (const out of ['a', 'b']) {
      expect((await fsam(folder, [...smoke, ...change, '--out', out])).code).toBe(0);
    }
    expect(read(folder, 'a', 'config.yaml')).toMatch(/^seed: 7$/m);
    await fsam(folder, ['train', '--config', 'a/config.yaml', '--out', 'c']);
    const metrics = read(folder, 'a', 'metrics.csv');
    expect(rowsOf(metrics).at(-1)?.slice(0, 2)).toEqual(['2', '4']);
    expect(read(folder, 'b', 'metrics.csv')).toBe(metrics);
    expect(read(folder, 'c', 'metrics.csv')).toBe(metrics);
  });

  it("refuses a folder with somebody's tensorboard/ in it, and touches nothing", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'D/tensorboard'), { recursive: true });
    writeFileSync(join(folder, 'D/tensorboard/events.out.tfevents.1.theirs'), 'theirs');
    for (const flags of [[], ['--overwrite']]) {
      const { code, stderr } = await fsam(folder, [
        'train',
        '--config',
        'smoke',
        '--out',
        'D',
        ...flags,
      ]);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^fsam: D\/tensorboard: is not from fsam, .* name another folder with --out\n$/,
      );
      expect(readdirSync(join(folder, 'D'))).toEqual(['tensorboard']);
      expect(read(folder, 'D/tensorboard', 'events.out.tfevents.1.theirs')).toBe('theirs');
    }
  });

  it('takes a configuration from a pipe, once', () => {
    const folder = temporaryFolder();
    const config = join(dirname(LAUNCHER), '../configs/smoke.yaml');
    const command = `${LAUNCHER} train --config <(sed 's/^epochs: .*/epochs: 1/' ${config}) --out r`;
    const { status, stderr } = spawnSync('bash', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect([status, stderr.includes('1 epoch of')]).toEqual([0, true]);
    expect(read(folder, 'r', 'config.yaml')).toMatch(/^epochs: 1$/m);
  });

  it('says nothing under --quiet, and starts anew under --overwrite', async () => {
    const folder = temporaryFolder();
    const quiet = [...smoke, '--out', 'run', '--quiet'];
    const silent = { code: 0, stdout: '', stderr: '' };
    expect(await fsam(folder, [...quiet, '--max-steps', '5'])).toEqual(silent);
    expect(rowsOf(read(folder, 'run', 'metrics.csv')).at(-1)?.[1]).toBe('5');
    expect(await fsam(folder, [...quiet, '--epochs', '1', '--overwrite'])).toEqual(silent);
    expect(rowsOf(read(folder, 'run', 'metrics.csv')).at(-1)?.[1]).toBe('4');
  });

  it('leaves a finished run as it is under --resume', async () => {
    const folder = temporaryFolder();
    const args = [...smoke, '--epochs', '1', '--out', 'run', '--resume'];
    expect((await fsam(folder, args)).code).toBe(0);
    const { code, stdout, stderr } = await fsam(folder, args);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^run: this run is finished already.*\n$/);
  });

  it('stops with exit code 1 and one more line when the loss is not finite', async () => {
    const args = [...smoke, '--out', 'run', '--set', 'schedule.learningRate=1e30'];
    const { code, stderr } = await fsam(temporaryFolder(), args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^run: .*\nfsam: epoch 1, step \d: .*diverged.*\n$/);
  });
});

describe('fsam eval', () => {
  it('finds what metrics.csv says of the newest checkpoint', async () => {
    const folder = temporaryFolder();
    await fsam(folder, [...smoke, '--out', 'run']);
    const { code, stdout, stderr } = await fsam(folder, ['eval', 'run']);
    const [header = [], , last = []] = rowsOf(read(folder, 'run', 'metrics.csv'));
    const value = (column: string) => last[header.indexOf(column)] ?? '';
    expect(code).toBe(0);
    expect(stdout).toBe(
      `test loss ${value('test_loss')}  accuracy ${value('test_accuracy')} %  (48 images)\n`,
    );
    expect(stderr).toContain('step-00000008.safetensors: 8 steps');
    const training = await fsam(folder, ['eval', 'run', '--split', 'train', '--logits', 'p.json']);
    expect(training.stdout).toMatch(/^train loss \d.* \(112 images\)\n$/);
    const written = JSON.parse(read(folder, 'p.json')) as { input: number[]; logits: number[][] };
    expect(written.input).toEqual([4, 3, 16, 16]);
    expect(written.logits.map((row) => row.filter(Number.isFinite).length)).toEqual([4, 4, 4, 4]);
  });
});

describe('a signal', () => {
  const args = [...smoke, '--set', 'data.synthetic.train=640', '--epochs', '3', '--out', 'run'];

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGUSR1', 138],
    ['SIGHUP', 129],
  ] as const)('%s saves and ends with %i', async (signal, code) => {
    const folder = temporaryFolder();
    const run = start(folder, args);
    await run.until(/^epoch 1/m);
    run.process.kill(signal);
    const { code: got, stderr } = await run.done;
    expect(got).toBe(code);
    expect(stderr).toContain(`fsam: interrupted by ${signal}; `);
    expect(stderr).not.toContain('Debugger');
    expect(readdirSync(join(folder, 'run', 'checkpoints'))).not.toEqual([]);
    expect(existsSync(join(folder, 'run', 'summary.json'))).toBe(false);
  });

  it.each(['SIGTERM', 'SIGUSR1', 'SIGHUP'] as const)(
    '%s is not kept waiting by data that does not come, and leaves nothing behind',
    async (signal) => {
      const folder = temporaryFolder();
      execFileSync('mkfifo', [join(folder, 'train-images-idx3-ubyte')]);
      const idx = ['--set', 'data.name=idx', '--data-dir', folder, '--out', 'run'];
      const run = start(folder, ['train', '--config', 'smoke', ...idx]);
      await untilIdle(run.process.pid!);
      run.process.kill(signal);
      // By the signal itself, which the shell shows as the same exit code.
      const ended = once(run.process, 'exit') as Promise<[number | null, string | null]>;
      expect(await ended).toEqual([null, signal]);
      expect((await run.done).stderr).toMatch(
        new RegExp(`nothing was written\nfsam: interrupted by ${signal}; .* --resume goes on\n$`),
      );
      expect(existsSync(join(folder, 'run'))).toBe(false);
    },
  );

  it('and then --resume give the bytes of the straight run', async () => {
    const [straight, folder] = [temporaryFolder(), temporaryFolder()];
    await fsam(straight, args);
    const run = start(folder, args);
    await run.until(/^epoch 1/m);
    run.process.kill('SIGTERM');
    await run.done;
    const { code, stderr } = await fsam(folder, [...args, '--resume']);
    expect(code).toBe(0);
    expect(stderr).toContain('resumed from run/checkpoints/step-');
    expect(read(folder, 'run', 'metrics.csv')).toBe(read(straight, 'run', 'metrics.csv'));
  });

  it('a second SIGINT leaves at once, without saving', async () => {
    const folder = temporaryFolder();
    // A step of many seconds, so that both signals come within it.
    const slow = [
      'model.width=32',
      'data.synthetic.train=512',
      'batchSize=512',
      'microBatches=4',
      'data.synthetic.size=32',
    ];
    const changes = slow.flatMap((change) => ['--set', change]);
    const run = start(folder, [...smoke, ...changes, '--out', 'run']);
    await run.until(/ready after/);
    await sleep(100);
    run.process.kill('SIGINT');
    await sleep(100);
    run.process.kill('SIGINT');
    const { code, stderr } = await run.done;
    expect(code).toBe(130);
    expect(stderr).not.toContain('interrupted by');
    expect(readdirSync(join(folder, 'run', 'checkpoints'))).toEqual([]);
  });
});

describe('fsam graph', () => {
  it('lists the traced step without the data, and counts its ops', async () => {
    const args = ['graph', '--config', 'cifar10-resnet18', '--set', 'model.width=4'];
    const { code, stdout, stderr } = await fsam(temporaryFolder(), args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Conv2D\(.*\): float32 \[128 32 32 4\]$/m);
    const total = Number(/^(\d+) nodes:$/m.exec(stdout)?.[1]);
    const counts = [...stdout.matchAll(/^ +(\d+) \w+$/gm)].map(([, count]) => Number(count));
    expect(counts.reduce((a, b) => a + b, 0)).toBe(total);
  });

  it('ends quietly when its reader goes away', async () => {
    const run = start(temporaryFolder(), ['graph', '--config', 'smoke']);
    run.process.stdout.destroy();
    const { code, stderr } = await run.done;
    expect([code, stderr]).toEqual([141, '']);
  });
});

describe('fsam doctor', () => {
  it('tells versions, device and data sets', async () => {
    const folder = temporaryFolder();
    const pickles = join(folder, 'sets', 'cifar-100-python');
    mkdirSync(pickles, { recursive: true });
    writeFileSync(join(pickles, 'train'), '');
    truncateSync(join(pickles, 'train'), 50_000 * 3072);
    const packed = new URL('../../data/fashion-mnist-tiny', import.meta.url);
    cpSync(packed, join(folder, 'sets', 'FashionMNIST', 'raw'), { recursive: true });
    const { code, stdout, stderr } = await fsam(folder, ['doctor', '--data-dir', 'sets']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Node +${process.versions.node}$`, 'm'));
    expect(stdout).toMatch(/^TensorFlow +2\.\d+\.\d+/m);
    expect(stdout).toMatch(/^device +(CPU|GPU): /m);
    expect(stdout).toMatch(/^cifar10 +not there; fsam data fetch cifar10 --data-dir sets$/m);
    expect(stdout).toMatch(/^cifar100 +sets\/cifar-100-python \(not whole: has no test\)$/m);
    expect(stdout).toMatch(/^idx +sets\/FashionMNIST\/raw$/m);
    expect(stdout).toMatch(/^at hand +fashion-mnist-tiny, moby-dick, synthetic$/m);
    expect(stdout).toMatch(/^servers +none: one process opens no port$/m);
  });

  it('tells which server a worker would open', async () => {
    const place = { cluster: { worker: ['a:1', 'b:2'] }, task: { type: 'worker', index: 1 } };
    const { stdout } = await fsam(temporaryFolder(), ['doctor'], {
      TF_CONFIG: JSON.stringify(place),
    });
    expect(stdout).toMatch(/^servers +worker 1 of 2 would open b:2: .* asks nobody who they are$/m);
  });
});
