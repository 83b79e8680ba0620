// What `fsam bench` measures, asks of PyTorch and prints.
import type { HostBatch } from '../../src/data/source.js';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parsePytorch, timePytorch } from '../../src/cli/bench-pytorch.js';
import { whyNot } from '../../src/cli/bench-python.js';
import type { Outcome } from '../../src/cli/bench-sides.js';
import { benchTable } from '../../src/cli/bench-table.js';
import { imageSource } from '../../src/data/image-source.js';
import { configSchema } from '../../src/catalogue/schema.js';
import { statisticsOf, timeSteps } from '../../src/session/benchmark.js';
import type { StepResult } from '../../src/session/engine.js';
import { UserError } from '../../src/util/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { MINUTES } from '../support/wait.js';

const folder = temporaryFolder();

const config = configSchema.parse({
  name: 'test',
  batchSize: 3,
  microBatches: 2,
  labelSmoothing: 0.1,
  weightAverage: 0.99,
  data: { name: 'cifar100' },
  model: { name: 'resnet18', width: 8 },
  optimizer: { name: 'fsam', base: 'adamw', adaptive: true, clipNorm: 2 },
});
const shape = {
  classes: 100,
  height: 32,
  width: 32,
  channels: 3,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  trainCount: 50_000,
  testCount: 10_000,
  validationCount: 0,
  labelNoise: false,
  streamed: false,
};

describe('statisticsOf', () => {
  it('takes the median between the two middle steps', () => {
    expect(statisticsOf([40, 10, 30, 20], 5)).toEqual({
      median: 25,
      min: 10,
      p90: 40,
      imagesPerSecond: 200,
    });
  });

  it('is not moved by one slow step', () => {
    const times = [...Array.from({ length: 10 }, () => 10), 1000];
    expect(statisticsOf(times, 1)).toMatchObject({ median: 10, p90: 10 });
  });

  it('refuses to sum up nothing', () => {
    expect(() => statisticsOf([], 1)).toThrow('internal: measured step');
  });
});

describe('timeSteps', async () => {
  const steps: { step: number; indices: number[]; rate: number }[] = [];
  const trainStep = (step: number, { inputs }: HostBatch, rate: number): StepResult => {
    steps.push({ step, indices: [...(inputs['indices'] ?? [])], rate });
    // The warm-up step is slow, the others are not.
    clock += step === 0 ? 60 : step;
    return { examples: 3, numbers: { train_loss: 10 - step } };
  };
  let clock = 0;
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const source = imageSource(
    'train',
    { ...shape, trainCount: 7 },
    { size: 3, dropLast: false, shuffledBy: 1 },
  );
  const batches = vi.fn(async function* (epoch: number, from: number) {
    for await (const batch of source.batches(epoch, from)) {
      // Waiting for a batch is no part of a step.
      clock += 1000;
      yield batch;
    }
  });
  const training = { ...source, batches };
  const times = await timeSteps({ trainStep, training }, config, { warmup: 1, steps: 2 });
  now.mockRestore();

  it('trains on the full batches of training, epoch after epoch', async () => {
    const ofEpoch = async (epoch: number) => {
      const found: number[][] = [];
      for await (const { inputs } of source.batches(epoch, 0)) {
        found.push([...(inputs['indices'] ?? [])]);
      }
      return found;
    };
    const [first, second] = [await ofEpoch(0), await ofEpoch(1)];
    expect(first.map((batch) => batch.length)).toEqual([3, 3, 1]);
    expect(steps.map(({ indices }) => indices)).toEqual([first[0], first[1], second[0]]);
    expect(steps.map(({ step, rate }) => [step, rate])).toEqual([
      [0, 0.05],
      [1, 0.05],
      [2, 0.05],
    ]);
  });

  it('measures after the warm-up only, and keeps every loss', () => {
    expect(times.losses).toEqual([10, 9, 8]);
    expect(times.milliseconds).toEqual([1, 2]);
  });
});

describe('timePytorch', () => {
  /** Stands in for Python: Node runs a script that answers with what it was asked. */
  const stand = (name: string, source: string, stop = new AbortController().signal) => {
    const script = path.join(folder, name);
    writeFileSync(script, source);
    const counts = { warmup: 2, steps: 7 };
    const python = process.execPath;
    const job = { python, script, mode: 'compile', config, shape, device: 'cpu' } as const;
    return timePytorch({ ...job, parameters: 123, threads: 2, ...counts }, stop);
  };

  it("passes the benchmark's sizes on and reads the figures", async () => {
    const outcome = await stand(
      'echo.cjs',
      `console.log('a warning');
       console.log(JSON.stringify({ mode: 'compile', milliseconds: [5, 3, 4],
         peak_memory_mb: 800, losses: [4.5], parameters: 123, torch: process.argv.slice(2).join(' '), instructions: 'AVX2',
         threads: 2, device: 'cpu' }));`,
    );
    const asked =
      '--model resnet18 --width 8 --parameters 123 --precision float32 --classes 100 --height 32 --channels 3 --batch 3 ' +
      '--micro-batches 2 --optimizer fasam --base adamw --rho 0.2 ' +
      '--perturb all --rho-schedule constant --rho-min 0 --theta 0.9 --alpha 0.4 --minimize perturbed --every 5 ' +
      '--sigma 1 --lambda 0.6 --ema-order code ' +
      '--learning-rate 0.05 --weight-decay 0.001 --decayed all --momentum 0.9 --beta1 0.9 --beta2 0.999 ' +
      '--epsilon 1e-8 --clip-norm 2 --label-smoothing 0.1 --weight-average 0.99 --steps 7 --warmup 2 --modes compile --device cpu ' +
      '--threads 2 --end-with-stdin';
    expect(outcome).toEqual({
      timing: {
        median: 4,
        min: 3,
        p90: 5,
        imagesPerSecond: 750,
        milliseconds: [5, 3, 4],
        peakMemory: 800,
        losses: [4.5],
        parameters: 123,
        device: 'cpu',
        library: `PyTorch ${asked}, AVX2, 2 threads`,
      },
    });
  });

  it('gives the reason of a mode that failed', async () => {
    const source = `console.log(JSON.stringify({ mode: 'compile', failure: 'no C++ compiler' }));`;
    expect(await stand('skip.cjs', source)).toEqual({ failure: 'no C++ compiler' });
  });

  it('gives the last complaint of a script that fails', async () => {
    const source = `console.error('first'); console.error('not enough memory'); process.exit(4);`;
    expect(await stand('fail.cjs', source)).toEqual({ failure: 'exit code 4: not enough memory' });
  });

  it('names the killer of a script that is killed', async () => {
    const outcome = await stand('kill.cjs', `process.kill(process.pid, 'SIGKILL');`);
    expect(outcome).toHaveProperty('failure', expect.stringContaining('SIGKILL'));
  });

  it('kills the script, and what it has started, when told to stop', async () => {
    const stop = new AbortController();
    const pids = path.join(folder, 'pids');
    const source = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      require('node:fs').writeFileSync(${JSON.stringify(pids)}, process.pid + ' ' + child.pid);
      setInterval(() => {}, 1000);`;
    const outcome = stand('endless.cjs', source, stop.signal);
    await vi.waitUntil(() => existsSync(pids) && readFileSync(pids, 'utf8') !== '', MINUTES);
    stop.abort();
    expect(await outcome).toHaveProperty('failure');
    const running = (pid: string) => existsSync(`/proc/${pid}`) && !isZombie(pid);
    const isZombie = (pid: string) => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    await vi.waitUntil(() => !readFileSync(pids, 'utf8').split(' ').some(running), MINUTES);
  });

  it('refuses the output of another script', () => {
    expect(() => parsePytorch('hello\n')).toThrow(UserError);
    expect(() => parsePytorch('{"milliseconds": "fast"}')).toThrow('scripts/bench_pytorch.py');
  });

  it('says that Python is missing', async () => {
    const python = path.join(folder, 'python3');
    expect(await whyNot(python, ['torch'])).toBe(`there is no program ${python}`);
  });
});

describe('benchTable', () => {
  const timed = (median: number, peakMemory: number): Outcome => ({
    timing: {
      median,
      min: median - 1,
      p90: median + 1,
      imagesPerSecond: 128_000 / median,
      milliseconds: [],
      peakMemory,
      losses: [],
      parameters: 1,
      device: 'CPU',
      library: '',
    },
  });

  it('compares with stock tfjs, eager and channels_last', () => {
    const table = benchTable(
      [
        { name: 'fsam stock', outcome: timed(8000, 6123.4) },
        { name: 'fsam eager', outcome: timed(4000, 5000) },
        { name: 'fsam compiled', outcome: timed(2000, 1900) },
        { name: 'pytorch channels_last', outcome: timed(2500, 1000) },
        { name: 'pytorch compile', outcome: { failure: 'no C++ compiler' } },
      ],
      'images',
    );
    expect(table.split('\n')).toEqual([
      'side                   ms/step   min   p90  images/s  peak MB  vs stock  vs eager  vs channels_last',
      'fsam stock                8000  7999  8001      16.0     6123     1.00x     0.50x             0.31x',
      'fsam eager                4000  3999  4001      32.0     5000     2.00x     1.00x             0.63x',
      'fsam compiled             2000  1999  2001      64.0     1900     4.00x     2.00x             1.25x',
      'pytorch channels_last     2500  2499  2501      51.2     1000     3.20x     1.60x             1.00x',
      'pytorch compile        no C++ compiler',
    ]);
  });

  it('leaves out the comparison with a side that was not timed', () => {
    const table = benchTable(
      [
        { name: 'fsam stock', outcome: { failure: 'out of memory' } },
        { name: 'fsam compiled', outcome: timed(12.34, 400) },
      ],
      'windows',
    );
    expect(table).toBe(
      [
        'side           ms/step   min   p90  windows/s  peak MB',
        'fsam stock     out of memory',
        'fsam compiled     12.3  11.3  13.3      10373      400',
      ].join('\n'),
    );
  });
});
