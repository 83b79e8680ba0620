// A run and its folder on a tiny deterministic engine: straight, resumed, refused, failing.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listCheckpoints, runFolder } from '../../src/experiment/folder.js';
import { openRun } from '../../src/experiment/open-run.js';
import { begunWith } from '../../src/experiment/processor.js';
import { runExperiment } from '../../src/experiment/run.js';
import type { CreateEngine } from '../../src/tasks/engine.js';
import { required, RunError, UserError } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';
import { fakeConfig, fakeEngine, fakeRequest } from './experiment-fake-engine.js';
import { configFrom } from '../support/configs.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf } from './experiment-support.js';

/** 20 images in batches of 6. */
const STEPS_PER_EPOCH = 4;

function runTo(folder: string, options: Parameters<typeof fakeRequest>[1] = {}) {
  return runExperiment(fakeRequest(folder, options));
}

/** Runs until `stopAfter` steps are done in this sitting, as if a signal came then. */
async function sitting(
  folder: string,
  stopAfter: number,
  options: Parameters<typeof fakeRequest>[1] = {},
) {
  let done = 0;
  const onStep = () => {
    if (++done === stopAfter) request.interruption.signal = 'SIGTERM';
  };
  const request = fakeRequest(folder, { ...options, onStep });
  return runExperiment({ ...request, resume: true });
}

interface Ended {
  readonly stopAfter?: number;
  readonly failAt?: number;
}

describe('a straight run', () => {
  it('visits every image once an epoch, in the order of the stream', async () => {
    const seen: number[] = [];
    const request = fakeRequest(join(temporaryFolder(), 'run'));
    await runExperiment({
      ...request,
      createEngine: (...given) => {
        const engine = fakeEngine()(...given);
        return {
          ...engine,
          trainStep: (step, batch, rate) => {
            seen.push(...(batch.inputs['indices'] ?? []));
            return engine.trainStep(step, batch, rate);
          },
        };
      },
    });
    const orders = [0, 1, 2].flatMap((epoch) => [
      ...randomStream(1, 'order', epoch).permutation(20),
    ]);
    expect(seen).toEqual(orders);
  });

  it.each([
    ['finished', {}, 3],
    ['interrupted', { stopAfter: 5 }, 2],
    ['diverged', { failAt: 2 }, 1],
  ])('closes what gives its batches: %s', async (_, { stopAfter, failAt }: Ended, epochs) => {
    let [opened, closed, done] = [0, 0, 0];
    const request = fakeRequest(join(temporaryFolder(), 'run'), {
      ...(failAt !== undefined && { failAt }),
      onStep: () => {
        if (++done === stopAfter) request.interruption.signal = 'SIGTERM';
      },
    });
    const createEngine: typeof request.createEngine = (...given) => {
      const engine = request.createEngine(...given);
      const training = engine.training!;
      return {
        ...engine,
        training: {
          ...training,
          async *batches(...from) {
            opened++;
            try {
              yield* training.batches(...from);
            } finally {
              closed++;
            }
          },
        },
      };
    };
    await runExperiment({ ...request, createEngine }).catch(() => undefined);
    expect([opened, closed]).toEqual([epochs, epochs]);
  });

  it('writes its folder, the same bytes for the same command', async () => {
    const [one, two] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'two')];
    expect(await runTo(one)).toBe('finished');
    expect(await runTo(two)).toBe('finished');
    const names = ['checkpoints', 'config.yaml', 'environment.json', 'metrics.csv', 'summary.json'];
    expect(readdirSync(one)).toEqual(['.fsam-files.json', ...names, 'timing.csv']);
    expect(readdirSync(join(one, 'checkpoints'))).toEqual([
      'step-00000008.safetensors',
      'step-00000012.safetensors',
    ]);
    expect(await resultOf(one)).toEqual(await resultOf(two));
    const config = configFrom(join(one, 'config.yaml'));
    expect(config).toEqual(fakeConfig());
  });

  it('tells the same in metrics.csv and summary.json', async () => {
    const folder = join(temporaryFolder(), 'run');
    await runTo(folder);
    const [header, ...rows] = readFileSync(join(folder, 'metrics.csv'), 'utf8').trim().split('\n');
    expect(header).toBe(
      'epoch,step,learning_rate,train_loss,train_accuracy,train_accuracy_clean,perturbed_loss,perturbed_accuracy,' +
        'test_loss,test_accuracy,best_test_accuracy,gradient_norm,perturbation_cosine',
    );
    expect(rows.map((row) => row.split(',').slice(0, 2).join())).toEqual(['1,4', '2,8', '3,12']);
    const accuracies = rows.map((row) => Number(row.split(',')[9]));
    const summary = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as object;
    expect(summary).toMatchObject({
      epochs: 3,
      steps: 12,
      parameters: 20,
      last: { epoch: 3, test_accuracy: accuracies[2] },
      best: { test_accuracy: Math.max(...accuracies) },
      mean_test_accuracy_of_last_10: accuracies.reduce((a, b) => a + b) / 3,
    });
  });

  it('stops at maxSteps with a row for what was done', async () => {
    const folder = join(temporaryFolder(), 'run');
    expect(await runTo(folder, { config: fakeConfig({ maxSteps: 6 }) })).toBe('finished');
    const { csv } = await resultOf(folder);
    // The schedule is that of all 12 steps: the rate of step 5 is 0.05 (1 + cos(5 pi / 12)) / 2.
    expect(csv.trim().split('\n')[2]).toMatch(/^2,6,0\.03147048,/);
  });

  it('saves every `everyEpochs` epochs and at the end', async () => {
    const folder = join(temporaryFolder(), 'run');
    await runTo(folder, { config: fakeConfig({ checkpoint: { everyEpochs: 2 }, epochs: 5 }) });
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual([
      'step-00000016.safetensors',
      'step-00000020.safetensors',
    ]);
  });
});

describe('resuming', () => {
  it('gives the bytes of the straight run, interrupted after any step', async () => {
    const straight = join(temporaryFolder(), 'straight');
    await runTo(straight);
    const wanted = await resultOf(straight);
    for (let stop = 1; stop < 3 * STEPS_PER_EPOCH; stop++) {
      const folder = join(temporaryFolder(), 'run');
      expect(await sitting(folder, stop)).toBe('interrupted');
      expect(await sitting(folder, Infinity)).toBe('finished');
      expect(await resultOf(folder), `stopped after ${stop}`).toEqual(wanted);
    }
  });

  it('gives the bytes of the straight run, interrupted after every step', async () => {
    const [straight, folder] = [
      join(temporaryFolder(), 'straight'),
      join(temporaryFolder(), 'run'),
    ];
    await runTo(straight);
    let sittings = 1;
    while ((await sitting(folder, 1)) === 'interrupted') sittings++;
    // The last step is followed by a sitting for the evaluation alone.
    expect(sittings).toBe(3 * STEPS_PER_EPOCH + 1);
    expect(await resultOf(folder)).toEqual(await resultOf(straight));
    const environment = readFileSync(join(folder, 'environment.json'), 'utf8');
    expect((JSON.parse(environment) as { resumed: unknown[] }).resumed).toHaveLength(sittings - 1);
  });

  it('cuts the rows past the checkpoint', async () => {
    const folder = join(temporaryFolder(), 'run');
    await runTo(folder);
    const wanted = await resultOf(folder);
    rmSync(join(folder, 'summary.json'));
    rmSync(join(folder, 'checkpoints', 'step-00000012.safetensors'));
    expect(await sitting(folder, 1)).toBe('interrupted');
    expect(readFileSync(join(folder, 'metrics.csv'), 'utf8').trim().split('\n')).toHaveLength(3);
    expect(await sitting(folder, Infinity)).toBe('finished');
    expect(await resultOf(folder)).toEqual(wanted);
  });

  it('sums up a run that was killed between its last checkpoint and its summary', async () => {
    const folder = join(temporaryFolder(), 'run');
    await runTo(folder);
    const kept = readdirSync(join(folder, 'checkpoints'));
    rmSync(join(folder, 'summary.json'));
    // Killed before the oldest of three checkpoints was removed.
    writeFileSync(join(folder, 'checkpoints', 'step-00000001.safetensors'), 'old');
    expect(await sitting(folder, Infinity)).toBe('finished');
    expect(existsSync(join(folder, 'summary.json'))).toBe(true);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(kept);
  });

  it('notes that a finished run is finished, and touches nothing', async () => {
    const folder = join(temporaryFolder(), 'run');
    await runTo(folder);
    const request = fakeRequest(folder);
    const createEngine = () => {
      throw new Error('no engine is needed');
    };
    expect(await runExperiment({ ...request, resume: true, createEngine })).toBe('finished');
    expect(request.notes[0]).toContain('finished already');
  });

  it('refuses a damaged checkpoint and names the way out, which works', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 9);
    const [newest = '', older = ''] = await listCheckpoints(runFolder(folder));
    const intact = readFileSync(newest);
    writeFileSync(newest, intact.subarray(0, intact.length / 2));
    const before = readFileSync(join(folder, 'environment.json'));
    const message = await messageOf(sitting(folder, Infinity));
    expect(message).toContain(`${newest}: is no intact safetensors file`);
    expect(message).toContain(`delete it to go on from ${older}`);
    expect(readFileSync(join(folder, 'environment.json'))).toEqual(before);
    rmSync(newest);
    expect(await sitting(folder, Infinity)).toBe('finished');
  });

  it.each(['', '{', '[]', '{}'])('refuses the environment.json %j', async (damaged) => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 9);
    const path = join(folder, 'environment.json');
    writeFileSync(path, damaged);
    const message = await messageOf(sitting(folder, Infinity));
    expect(message).toContain(`${path}: is missing or damaged, wanted what a run wrote`);
    await expect(begunWith(runFolder(folder))).rejects.toThrow(message);
  });

  it('goes on with other names and keys that change no number', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 5);
    const config = {
      ...fakeConfig(),
      name: 'other',
      evaluationBatchSize: 7,
      device: 'cpu' as const,
    };
    expect(await runExperiment({ ...fakeRequest(folder, { config }), resume: true })).toBe(
      'finished',
    );
  });

  it('refuses to go on where the run would round otherwise', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 5);
    const gpu = { environment: { device: 'NVIDIA H100' }, resume: true };
    expect(await messageOf(runExperiment({ ...fakeRequest(folder), ...gpu }))).toMatch(
      /run: holds a run that used the CPU, and this one would use the GPU, .*--device cpu/,
    );
  });

  it('refuses a checkpoint of another network or configuration', async () => {
    const [folder, other] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'other')];
    await sitting(folder, 5);
    const wider = await messageOf(sitting(folder, Infinity, { width: 3 }));
    expect(wider).toContain('conv1.weight: got shape [3, 3, 1, 2], wanted [3, 3, 1, 3]');

    const changed = fakeRequest(other, { config: fakeConfig({ seed: 2 }) });
    await runExperiment(changed);
    const [theirs = ''] = await listCheckpoints(runFolder(other));
    const [ours = ''] = await listCheckpoints(runFolder(folder));
    writeFileSync(ours, readFileSync(theirs));
    expect(await messageOf(sitting(folder, Infinity))).toContain('of another configuration');
  });

  it('refuses other probes than the run began with', async () => {
    const folder = join(temporaryFolder(), 'run');
    const to = (stopAfter: number, probes: Record<string, unknown>) =>
      sitting(folder, stopAfter, { config: fakeConfig({ probes }) });
    expect(await to(5, { every: 2 })).toBe('interrupted');
    for (const [probes, difference] of [
      [{}, 'probes.every: 2 -> null'],
      [{ every: 3 }, 'probes.every: 2 -> 3'],
      [{ every: 2, samples: 8 }, 'probes.samples: all -> 8'],
    ] as const) {
      expect(await messageOf(to(Infinity, probes))).toContain(
        `${folder}: began with other probes (${difference}`,
      );
    }
    expect(await to(Infinity, { every: 2 })).toBe('finished');
    // Nothing is left to do.
    expect(await to(Infinity, {})).toBe('finished');
  });

  it('goes on with files that an editor saved with a byte order mark and CRLF, to the same bytes', async () => {
    const [straight, folder] = [
      join(temporaryFolder(), 'straight'),
      join(temporaryFolder(), 'run'),
    ];
    await runTo(straight);
    await sitting(folder, 9);
    for (const name of ['metrics.csv', 'timing.csv', 'config.yaml', 'environment.json']) {
      const path = join(folder, name);
      writeFileSync(path, `\ufeff${readFileSync(path, 'utf8').replaceAll('\n', '\r\n')}`);
    }
    expect(await sitting(folder, Infinity)).toBe('finished');
    expect(await resultOf(folder)).toEqual(await resultOf(straight));
  });

  it('refuses what a later version recorded, by name', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 9);
    const wayOut = 'use the version of fsam that wrote it';
    const config = join(folder, 'config.yaml');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, `${text}cooling: 3\n`);
    const message = await messageOf(sitting(folder, Infinity));
    expect(message).toContain(': cooling: unknown key');
    expect(message).toContain(wayOut);
    writeFileSync(config, text);
    const list = join(folder, '.fsam-files.json');
    writeFileSync(list, readFileSync(list, 'utf8').replace('"note"', '"links": [], "note"'));
    expect(await messageOf(sitting(folder, Infinity))).toContain(
      `${list}: has the key links, which this version of fsam does not know`,
    );
  });

  it('leaves a skipped.csv alone where it skips nothing', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 9);
    const own = join(folder, 'skipped.csv');
    writeFileSync(own, 'notes of the user');
    expect(await sitting(folder, Infinity)).toBe('finished');
    expect(readFileSync(own, 'utf8')).toBe('notes of the user');
  });

  it('refuses rows that do not go with the checkpoint', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 9);
    const metrics = join(folder, 'metrics.csv');
    const lines = readFileSync(metrics, 'utf8').split('\n');
    writeFileSync(metrics, lines.slice(0, 2).join('\n'));
    expect(await messageOf(sitting(folder, Infinity))).toContain('has 1 rows, wanted one for each');
    writeFileSync(metrics, [lines[0], lines[2], lines[1]].join('\n'));
    expect(await messageOf(sitting(folder, Infinity))).toContain(`${metrics}:2`);
    // Which epoch is the best is read from here.
    writeFileSync(metrics, lines.join('\n').replace(/^(1,.*),[^,]*(,[^,]*,[^,]*)$/m, '$1,$2'));
    expect(await messageOf(sitting(folder, Infinity))).toContain(
      `${metrics}:2: best_test_accuracy: got "", wanted a number`,
    );
  });
});

describe('a folder that holds something', () => {
  it('refuses a run that is there, with the differences and the way out', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 5);
    expect(await messageOf(runTo(folder))).toContain(
      'an unfinished run; continue it with --resume',
    );
    const other = fakeConfig({ epochs: 4, optimizer: { name: 'fsam', rho: 0.1 } });
    const request = { ...fakeRequest(folder, { config: other }), resume: true };
    const message = await messageOf(runExperiment(request));
    expect(message).toContain('epochs: 3 -> 4; optimizer.rho: 0.2 -> 0.1');
    expect(message).toContain('--overwrite');
    expect(await messageOf(runExperiment({ ...request, overwrite: true }))).toContain('exclude');
    await sitting(folder, Infinity);
    expect(await messageOf(runTo(folder))).toContain('a finished run; start anew');
  });

  it('overwrites what a run wrote, and nothing else', async () => {
    const folder = join(temporaryFolder(), 'run');
    mkdirSync(folder);
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await runTo(folder, { config: fakeConfig({ epochs: 5 }) });
    writeFileSync(join(folder, 'checkpoints', 'best.safetensors'), 'mine');
    expect(await runExperiment({ ...fakeRequest(folder), overwrite: true })).toBe('finished');
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual([
      'best.safetensors',
      'step-00000008.safetensors',
      'step-00000012.safetensors',
    ]);
  });

  it.each([
    'config.yaml',
    'environment.json',
    'label-noise.csv',
    'tensorboard/events.out.tfevents.1.theirs',
    'checkpoints/step-00000001.safetensors',
  ])('refuses a %s of others, overwriting or not, and touches nothing', async (name) => {
    const folder = temporaryFolder();
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), 'mine: 1');
    for (const overwrite of [false, true]) {
      const message = await messageOf(runExperiment({ ...fakeRequest(folder), overwrite }));
      const [refused = ''] = name.split('/');
      expect(message).toMatch(
        /^[^\n]+: is not from fsam, .*; move it away, or name another folder/,
      );
      expect(message).toContain(join(folder, refused));
      expect(readdirSync(folder)).toEqual([refused]);
      expect(readFileSync(join(folder, name), 'utf8')).toBe('mine: 1');
    }
  });

  it('takes a folder of an earlier version, which has no list of what is ours, for what it is', async () => {
    const folder = join(temporaryFolder(), 'run');
    await sitting(folder, 6);
    rmSync(join(folder, '.fsam-files.json'));
    expect(await sitting(folder, Infinity)).toBe('finished');
    rmSync(join(folder, '.fsam-files.json'));
    // That run had no label noise: this is somebody's.
    writeFileSync(join(folder, 'label-noise.csv'), 'mine');
    const again = { ...fakeRequest(folder), overwrite: true };
    expect(await messageOf(runExperiment(again))).toContain('label-noise.csv: is not from fsam');
    rmSync(join(folder, 'label-noise.csv'));
    expect(await runExperiment(again)).toBe('finished');
  });

  it('refuses to work where another run works', async () => {
    const folder = join(temporaryFolder(), 'run');
    const outcomes = await Promise.allSettled([runTo(folder), runTo(folder), runTo(folder)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('writes nothing more where another process has taken over while it stood still', async () => {
    const folder = join(temporaryFolder(), 'run');
    const lock = join(folder, '.fsam-lock');
    let before: string | null = null;
    const onStep = (step: number): void => {
      if (step !== 6) return;
      before = readFileSync(join(folder, 'metrics.csv'), 'utf8');
      writeFileSync(lock, JSON.stringify({ pid: 7, host: 'elsewhere', startTime: '1' }));
    };
    await expect(runTo(folder, { onStep })).rejects.toThrow(RunError);
    expect(readFileSync(join(folder, 'metrics.csv'), 'utf8')).toBe(before);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-00000004.safetensors']);
    expect(existsSync(lock)).toBe(true);
    const interrupted = join(temporaryFolder(), 'run');
    const request = fakeRequest(interrupted, {
      onStep: () => {
        request.interruption.signal = 'SIGTERM';
        writeFileSync(join(interrupted, '.fsam-lock'), 'of another');
      },
    });
    await expect(runExperiment(request)).rejects.toThrow(
      `${join(interrupted, '.fsam-lock')}: another process has taken this folder over, after minutes without a sign of life from this one; nothing more is written here`,
    );
    expect(readdirSync(join(interrupted, 'checkpoints'))).toEqual([]);
  });

  it('refuses a path that cannot be a folder', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(await messageOf(runTo(file))).toContain('is a file, wanted a folder');
    expect(await messageOf(runTo(join(file, 'run')))).toContain(join(file, 'run'));
    expect(await messageOf(runTo('/proc/fsam/run'))).toContain('/proc/fsam/run: cannot be written');
  });
});

describe('a run that fails', () => {
  it('stopped within an evaluation, evaluates anew when resumed, to the straight bytes', async () => {
    const scratch = temporaryFolder();
    const [straight, stopped] = [join(scratch, 'straight'), join(scratch, 'stopped')];
    await runTo(straight);
    let parts = 0;
    const onEvaluation = () => {
      if (++parts === 5) request.interruption.signal = 'SIGTERM';
    };
    const request = fakeRequest(stopped, { onEvaluation });
    expect(await runExperiment(request)).toBe('interrupted');
    expect(parts).toBe(5);
    const rows = readFileSync(join(stopped, 'metrics.csv'), 'utf8').trim().split('\n');
    expect(rows).toHaveLength(2);
    expect(await sitting(stopped, Infinity)).toBe('finished');
    expect(await resultOf(stopped)).toEqual(await resultOf(straight));
  });

  /** The same, but the third thing asked for never comes: `waits` is called meanwhile. */
  function stuck<T, R>(inner: AsyncIterator<T, R>, waits: () => Promise<never>) {
    let asked = 0;
    const calls: string[] = [];
    return {
      calls,
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => (++asked < 3 ? inner.next() : waits()),
      return: () => {
        calls.push('return');
        return inner.return?.() as Promise<IteratorResult<T, R>>;
      },
    };
  }

  /** A generator's own `return` waits until what it awaits is there. */
  async function* generated<T>(inner: AsyncIterator<T, void>, waits: () => Promise<never>) {
    for (let i = 0; i < 2; i++) yield (await inner.next()).value as T;
    await waits();
  }

  type Training = NonNullable<ReturnType<CreateEngine>['training']>;
  type Batches = ReturnType<Training['batches']>;

  /** Trains in `folder` on batches that `change` has changed. */
  const trainOn = (folder: string, change: (batches: Batches) => Batches) => {
    const request = fakeRequest(folder);
    const createEngine: CreateEngine = (...given) => {
      const engine = request.createEngine(...given);
      const training = required(engine.training, 'training');
      return {
        ...engine,
        training: { ...training, batches: (...at) => change(training.batches(...at)) },
      };
    };
    return {
      request: { ...request, createEngine },
      run: () => runExperiment({ ...request, createEngine }),
    };
  };

  const never = () => new Promise<never>(() => undefined);
  const broken = () => Promise.reject(new UserError('shard 3: record 7 is damaged'));

  it.each<[string, (waits: () => Promise<never>) => (batches: Batches) => Batches]>([
    ['a stream', (waits) => (batches) => stuck(batches, waits)],
    ['a generator', (waits) => (batches) => generated(batches, waits)],
    [
      'a stream that cannot be closed',
      (waits) => (batches) => ({
        ...stuck(batches, waits),
        return: () => Promise.reject(new Error('no close')),
      }),
    ],
  ])(
    'ends at a signal while a batch of %s does not come, and goes on from there',
    async (_, of) => {
      const scratch = temporaryFolder();
      const [straight, stopped] = [join(scratch, 'straight'), join(scratch, 'stopped')];
      await runTo(straight);
      const signalled = () => {
        setTimeout(() => (request.interruption.signal = 'SIGTERM'), 20);
        return never();
      };
      const { request, run } = trainOn(stopped, of(signalled));
      expect(await run()).toBe('interrupted');
      expect((await openRun(stopped, null)).checkpoint).toContain('step-00000002');
      expect(await sitting(stopped, Infinity)).toBe('finished');
      expect(await resultOf(stopped)).toEqual(await resultOf(straight));
    },
  );

  it('is interrupted, not failed, where the signal ends what reads as well', async () => {
    const folder = join(temporaryFolder(), 'run');
    const { request, run } = trainOn(folder, (batches) =>
      stuck(batches, () => {
        request.interruption.signal = 'SIGINT';
        return broken();
      }),
    );
    expect(await run()).toBe('interrupted');
    expect((await openRun(folder, null)).checkpoint).toContain('step-00000002');
  });

  it('keeps what was reached where a batch cannot be read', async () => {
    const folder = join(temporaryFolder(), 'run');
    const { request, run } = trainOn(folder, (batches) => stuck(batches, broken));
    expect(await messageOf(run())).toBe('shard 3: record 7 is damaged');
    expect(request.notes).toContain('saved after step 2: --resume goes on from there');
    expect((await openRun(folder, null)).checkpoint).toContain('step-00000002');
  });

  it('opens what it reads once an epoch, and closes it', async () => {
    const opened: Batches[] = [];
    const { run } = trainOn(join(temporaryFolder(), 'run'), (batches) => {
      const watched = stuck(batches, () => batches.next() as Promise<never>);
      opened.push(watched);
      return watched;
    });
    expect(await run()).toBe('finished');
    expect(opened.map((one) => (one as ReturnType<typeof stuck>).calls)).toEqual([
      ['return'],
      ['return'],
      ['return'],
    ]);
  });

  it('ends at a signal while a part of an evaluation does not come, and evaluates anew', async () => {
    const scratch = temporaryFolder();
    const [straight, stopped] = [join(scratch, 'straight'), join(scratch, 'stopped')];
    await runTo(straight);
    const request = fakeRequest(stopped);
    const signalled = () => {
      setTimeout(() => (request.interruption.signal = 'SIGTERM'), 20);
      return never();
    };
    const createEngine: CreateEngine = (...given) => {
      const engine = request.createEngine(...given);
      return {
        ...engine,
        evaluateInParts: (split) => stuck(engine.evaluateInParts(split), signalled),
      };
    };
    expect(await runExperiment({ ...request, createEngine })).toBe('interrupted');
    expect((await openRun(stopped, null)).checkpoint).toContain('step-00000004');
    expect(await sitting(stopped, Infinity)).toBe('finished');
    expect(await resultOf(stopped)).toEqual(await resultOf(straight));
  });

  it('leaves nothing behind when it fails before the first step, or is interrupted there', async () => {
    const parent = temporaryFolder();
    const folder = join(parent, 'name', 'variant', 'seed-1');
    const config = fakeConfig({ data: { name: 'cifar10', directory: join(parent, 'none') } });
    await messageOf(runTo(folder, { config }));
    expect(readdirSync(parent)).toEqual([]);
    const request = fakeRequest(folder);
    request.interruption.signal = 'SIGINT';
    expect(await runExperiment(request)).toBe('interrupted');
    expect(readdirSync(parent)).toEqual([]);
  });

  it('stops at a loss that is not finite and does not save it', async () => {
    const folder = join(temporaryFolder(), 'run');
    const message = await messageOf(runTo(folder, { failAt: 9 }), RunError);
    expect(message).toContain('epoch 3, step 10: the training loss is NaN');
    expect(message).toContain(join(folder, 'checkpoints', 'step-00000008.safetensors'));
    expect(message).toContain(join(folder, 'metrics.csv'));
    expect(message).toMatch(/try a lower schedule\.learningRate or optimizer\.rho$/);
    expect((await openRun(folder, null)).checkpoint).toContain('step-00000008');
    expect(existsSync(join(folder, '.fsam-lock'))).toBe(false);
  });

  it('advises a lower rho only where there is one', async () => {
    const folder = join(temporaryFolder(), 'run');
    const config = fakeConfig({ optimizer: { name: 'sgd' } });
    const message = await messageOf(runTo(folder, { failAt: 2, config }), RunError);
    expect(message).toMatch(/try a lower schedule\.learningRate$/);
  });

  it('does not save a state that is not finite', async () => {
    const folder = join(temporaryFolder(), 'run');
    const request = fakeRequest(folder);
    const createEngine = (...given: Parameters<typeof request.createEngine>) => {
      const engine = fakeEngine()(...given);
      const readState = () =>
        new Map([...engine.readState(), ['ema', new Float32Array(20).fill(Infinity)]]);
      return { ...engine, readState };
    };
    const message = await messageOf(runExperiment({ ...request, createEngine }), RunError);
    expect(message).toContain('optimizer.ema holds numbers that are not finite');
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual([]);
  });
});
