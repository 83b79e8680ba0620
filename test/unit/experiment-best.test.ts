// Which epoch is the best, by which set, and the checkpoint that is kept of it; epochs without a short batch.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runFolder } from '../../src/experiment/folder.js';
import { openRun } from '../../src/experiment/open-run.js';
import { runExperiment } from '../../src/experiment/run.js';
import { readSummary } from '../../src/experiment/summary.js';
import { readHeader } from '../../src/util/safetensors.js';
import { fakeConfig, fakeRequest, type FakeOptions } from './experiment-fake-engine.js';
import { columnOf } from '../support/csv.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf } from './experiment-support.js';

/** 24 images, 4 of them held out: 4 steps an epoch. Of 8 test images, the most are right in epoch 2. */
const data = {
  name: 'synthetic',
  synthetic: { train: 24, test: 8, size: 4, classes: 4 },
  validation: 4,
};
const correct = { test: [5, 8, 6, 7], validation: [1, 2, 3, 3] };
const keepBest = { checkpoint: { everyEpochs: 2, keepBest: true } };
const validated = fakeConfig({ epochs: 4, data, ...keepBest });
const byTest = fakeConfig({ epochs: 4, ...keepBest });

async function run(
  config: ReturnType<typeof fakeConfig>,
  options: FakeOptions & { folder?: string; resume?: boolean; stopAt?: number } = {},
) {
  const folder = options.folder ?? join(temporaryFolder(), 'run');
  const onStep = (step: number) => {
    if (step === options.stopAt) request.interruption.signal = 'SIGTERM';
  };
  const request = fakeRequest(folder, { correct, ...options, onStep, config });
  await runExperiment({ ...request, resume: options.resume ?? false });
  return { ...runFolder(folder), notes: request.notes };
}

const progressOf = async (path: string) =>
  (JSON.parse((await readHeader(path)).metadata['run'] ?? '') as { progress: { epoch: number } })
    .progress;

describe('with a validation set', () => {
  it('has columns of its own, and the test accuracy at the epoch that is best by it', async () => {
    const folder = await run(validated);
    const { csv } = await resultOf(folder.path);
    expect(columnOf(csv, 'validation_accuracy')).toEqual(['25.000', '50.000', '75.000', '75.000']);
    expect(columnOf(csv, 'validation_loss').every((field) => Number(field) > 0)).toBe(true);
    expect(columnOf(csv, 'best_test_accuracy')).toEqual(['62.500', '100.000', '75.000', '75.000']);
    const summary: unknown = JSON.parse(readFileSync(folder.summary, 'utf8'));
    expect(summary).toMatchObject({
      best: { epoch: 3, validation_accuracy: 75, test_accuracy: 75 },
      best_by: 'validation_accuracy',
    });
    expect(await readSummary(folder.summary, validated)).toMatchObject({
      scores: { best: 75 },
      bestValidation: 75,
    });
    expect((await progressOf(folder.best)).epoch).toBe(3);
    expect(folder.notes).toEqual([]);
  });

  it('leaves the columns of other runs as they were', async () => {
    const { csv } = await resultOf((await run(byTest)).path);
    expect(csv.split('\n')[0]).not.toContain('validation');
  });
});

describe('without one', () => {
  it('chooses by the test set, and says so', async () => {
    const folder = await run(byTest);
    expect(columnOf((await resultOf(folder.path)).csv, 'best_test_accuracy')[3]).toBe('100.000');
    const summary: unknown = JSON.parse(readFileSync(folder.summary, 'utf8'));
    expect(summary).toMatchObject({ best: { epoch: 2 }, best_by: 'test_accuracy' });
    expect((await progressOf(folder.best)).epoch).toBe(2);
    expect(folder.notes).toEqual([expect.stringContaining('chosen by the test set')]);
  });

  it('keeps none unasked', async () => {
    expect(existsSync((await run(fakeConfig())).best)).toBe(false);
  });
});

describe('the kept checkpoint', () => {
  it.each([3, 7, 9, 13])('is that of the straight run, stopped after step %i', async (stopAt) => {
    const straight = await run(validated);
    const { path } = await run(validated, { stopAt });
    const later = { folder: path, resume: true, stepsBefore: stopAt + 1 };
    const resumed = await run(validated, later);
    expect(await resultOf(path)).toEqual(await resultOf(straight.path));
    const tensors = async (file: string) => {
      const { dataStart } = await readHeader(file);
      return readFileSync(file).subarray(dataStart);
    };
    expect(await tensors(resumed.best)).toEqual(await tensors(straight.best));
  });

  it('is what eval takes for `best`; a run without one says what keeps it', async () => {
    const { path, best } = await run(validated);
    expect(await openRun(path, 'best')).toMatchObject({ checkpoint: best, isBest: true });
    expect((await openRun(path, `${path}/./best.safetensors`)).isBest).toBe(true);
    expect((await openRun(path, null)).isBest).toBe(false);
    expect(await messageOf(openRun(path, 'bst'))).toBe(
      '--checkpoint bst: there is no such file; wanted best, or the path of a checkpoint',
    );
    const other = await run(fakeConfig());
    expect(await messageOf(openRun(other.path, 'best'))).toContain('checkpoint.keepBest: true');
  });

  it('goes where the run goes on without keeping it, and with --overwrite', async () => {
    const { path, best } = await run(byTest, { stopAt: 9 });
    expect(existsSync(best)).toBe(true);
    const without = fakeConfig({ epochs: 4, checkpoint: { everyEpochs: 2 } });
    await run(without, { folder: path, resume: true, stopAt: 13 });
    expect(existsSync(best)).toBe(false);
    const again = await run(byTest, { folder: path, resume: true });
    expect(again.notes).toContainEqual(
      expect.stringContaining('epoch 2, the best so far, was not kept'),
    );
    await runExperiment({ ...fakeRequest(path, { config: byTest }), overwrite: true });
    expect(existsSync(best)).toBe(true);
    await runExperiment({ ...fakeRequest(path), overwrite: true });
    expect(existsSync(best)).toBe(false);
    writeFileSync(best, 'mine');
    const request = { ...fakeRequest(path, { config: byTest }), overwrite: true };
    expect(await messageOf(runExperiment(request))).toContain('is not from fsam');
  });
});

describe('dropLast', () => {
  /** 20 images in batches of 6: 3 full ones, 2 images are left out. */
  const config = fakeConfig({ dropLast: true });

  it('leaves out the short batch, and the schedule has as many steps as there are', async () => {
    const seen: number[] = [];
    const folder = join(temporaryFolder(), 'run');
    const request = fakeRequest(folder, { config });
    await runExperiment({
      ...request,
      createEngine: (...given) => {
        const engine = request.createEngine(...given);
        return {
          ...engine,
          trainStep: (step, batch, rate) => {
            seen.push(batch.examples);
            return engine.trainStep(step, batch, rate);
          },
        };
      },
    });
    expect(seen).toEqual(new Array(9).fill(6));
    const { csv } = await resultOf(folder);
    expect(columnOf(csv, 'step')).toEqual(['3', '6', '9']);
    // Cosine over 9 steps: the rate of step 5 (from 0) is 0.05 (1 + cos(5 pi / 9)) / 2.
    expect(columnOf(csv, 'learning_rate')[1]).toBe(
      (0.025 * (1 + Math.cos((5 * Math.PI) / 9))).toPrecision(7),
    );
  });

  it.each([2, 3, 4])('resumes after step %i to the same bytes', async (stopAt) => {
    const straight = await run(config);
    const { path } = await run(config, { stopAt });
    await run(config, { folder: path, resume: true, stepsBefore: stopAt + 1 });
    expect(await resultOf(path)).toEqual(await resultOf(straight.path));
  });

  it('is refused where it leaves nothing, before anything is written', async () => {
    const folder = join(temporaryFolder(), 'run');
    const request = fakeRequest(folder, { config: fakeConfig({ dropLast: true, batchSize: 21 }) });
    expect(await messageOf(runExperiment(request))).toBe(
      'batchSize: got 21 with dropLast, which leaves no batch of 20 training images; wanted 20 at most, or dropLast: false',
    );
    expect(existsSync(folder)).toBe(false);
  });
});
