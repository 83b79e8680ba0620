// Times training steps: warm-up steps first, then measured ones.
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../catalogue/schema.js';
import { TRAIN_LOSS } from '../catalogue/tasks.js';
import { batchAt } from '../data/image-source.js';
import type { OnTrace } from '../graph/program.js';
import { required } from '../util/errors.js';
import type { Engine } from './engine.js';
import type { Numbers } from './measure.js';

export interface StepTimes {
  /** One a measured step, in the order they ran. */
  readonly milliseconds: readonly number[];
  /**
   * Of every step, those of the warm-up included: that something is learnt can be seen from them.
   */
  readonly losses: readonly number[];
}

/** What a table shows of the steps of one side. Times are milliseconds a step. */
export interface StepStatistics {
  readonly median: number;
  readonly min: number;
  /** Nine in ten steps took no longer. */
  readonly p90: number;
  /** At the median. */
  readonly imagesPerSecond: number;
}

/**
 * Runs `warmup` and then `steps` training steps of full batches, going round the first `trainCount`
 * images. A step is timed from outside: the draws of its augmentation and the fetching of its loss
 * are part of it. Between steps this process hears what others tell it, such as to end.
 */
export async function timeSteps(
  engine: Pick<Engine, 'trainStep'>,
  config: Pick<Config, 'batchSize' | 'schedule'>,
  trainCount: number,
  { warmup, steps }: { readonly warmup: number; readonly steps: number },
): Promise<StepTimes> {
  const milliseconds: number[] = [];
  const losses: number[] = [];
  for (let step = 0; step < warmup + steps; step++) {
    const timed = await timeStep(engine, config, trainCount, step);
    if (step >= warmup) milliseconds.push(timed.milliseconds);
    losses.push(required(timed.numbers[TRAIN_LOSS], TRAIN_LOSS));
  }
  return { milliseconds, losses };
}

/** Step `step` alone, on a full batch of its own round of the images. */
export async function timeStep(
  engine: Pick<Engine, 'trainStep'>,
  { batchSize, schedule }: Pick<Config, 'batchSize' | 'schedule'>,
  trainCount: number,
  step: number,
  traced?: OnTrace,
): Promise<{ readonly milliseconds: number; readonly numbers: Numbers }> {
  const start = step * batchSize;
  const indices = Int32Array.from({ length: batchSize }, (_, i) => (start + i) % trainCount);
  const before = performance.now();
  const { numbers } = engine.trainStep(step, batchAt(indices), schedule.learningRate, traced);
  const milliseconds = performance.now() - before;
  // Between steps this process hears what others tell it.
  await setImmediate();
  return { milliseconds, numbers };
}

/** @throws InternalError where nothing was measured. */
export function statisticsOf(milliseconds: readonly number[], batchSize: number): StepStatistics {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const ranked = (rank: number) => required(sorted[rank], `measured step ${rank}`);
  const last = sorted.length - 1;
  const median = (ranked(Math.floor(last / 2)) + ranked(Math.ceil(last / 2))) / 2;
  return {
    median,
    min: ranked(0),
    p90: ranked(Math.ceil(0.9 * last)),
    imagesPerSecond: (1000 * batchSize) / median,
  };
}
