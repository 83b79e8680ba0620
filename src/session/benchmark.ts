// Times training steps: warm-up steps first, then measured ones.
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../catalogue/schema.js';
import { TRAIN_LOSS } from '../catalogue/tasks.js';
import { fullBatches } from '../data/source.js';
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
 * Runs `warmup` and then `steps` training steps of full batches, which come from where training has
 * them. A step is timed from outside: the draws of its augmentation, the feeding of its batch and the
 * fetching of its loss are part of it; waiting for the batch is not. Between steps this process hears
 * what others tell it, such as to end.
 */
export async function timeSteps(
  engine: Pick<Engine, 'trainStep' | 'training'>,
  config: Pick<Config, 'schedule'>,
  { warmup, steps }: { readonly warmup: number; readonly steps: number },
): Promise<StepTimes> {
  const milliseconds: number[] = [];
  const losses: number[] = [];
  const timer = stepTimer(engine, config);
  for (let step = 0; step < warmup + steps; step++) {
    const timed = await timer.next();
    if (step >= warmup) milliseconds.push(timed.milliseconds);
    losses.push(required(timed.numbers[TRAIN_LOSS], TRAIN_LOSS));
  }
  await timer.end();
  return { milliseconds, losses };
}

export interface StepTimer {
  /** The next step alone. */
  next(traced?: OnTrace): Promise<{ readonly milliseconds: number; readonly numbers: Numbers }>;
  /** Ends what reads batches. */
  end(): Promise<unknown>;
}

/** Times training steps of an engine one by one, from its first on. */
export function stepTimer(
  { trainStep, training }: Pick<Engine, 'trainStep' | 'training'>,
  { schedule }: Pick<Config, 'schedule'>,
): StepTimer {
  const batches = fullBatches(required(training ?? undefined, 'what is trained on'));
  let step = 0;
  return {
    async next(traced) {
      const { value: batch } = await batches.next();
      const before = performance.now();
      const { numbers } = trainStep(step++, batch, schedule.learningRate, traced);
      const milliseconds = performance.now() - before;
      // Between steps this process hears what others tell it.
      await setImmediate();
      return { milliseconds, numbers };
    },
    end: () => batches.return(undefined as never),
  };
}

/** @throws InternalError where nothing was measured. */
export function statisticsOf(milliseconds: readonly number[], batchSize: number): StepStatistics {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const ranked = (rank: number) => required(sorted[rank], `measured step ${rank}`);
  const last = sorted.length - 1;
  const min = ranked(0);
  const median = medianOf(milliseconds);
  return {
    median,
    min,
    p90: ranked(Math.ceil(0.9 * last)),
    imagesPerSecond: (1000 * batchSize) / median,
  };
}

/** @throws InternalError where there are none. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const ranked = (rank: number) => required(sorted[rank], 'a median');
  return (ranked(Math.floor(middle)) + ranked(Math.ceil(middle))) / 2;
}
