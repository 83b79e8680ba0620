// The training loop: step after step, an evaluation and a row at each epoch's end, checkpoints,
// until done or interrupted.
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../config/schema.js';
import { hasLabelNoise } from '../data/label-noise.js';
import type { Schedule } from '../optim/schedule.js';
import type { Engine } from '../train/engine.js';
import { RunError } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import type { StopSignal } from '../util/stop-signals.js';
import {
  addStep,
  formatMetrics,
  hasTwoPasses,
  metricsRow,
  NO_SUMS,
  notFinite,
  type Measured,
} from './metrics.js';
import type { Progress } from './progress.js';
import type { Reporter } from './reporter.js';
import type { Table } from './table.js';
import type { Curves } from './tensorboard.js';
import { formatTiming, Stopwatch } from './timing.js';

/** Set by a signal handler; the loop looks at it after every step. */
export interface Interruption {
  signal: StopSignal | null;
}

export interface Loop {
  readonly config: Config;
  readonly engine: Engine;
  readonly trainImages: number;
  readonly schedule: Schedule;
  readonly metrics: Table;
  readonly timing: Table;
  /** TensorBoard's, where they are asked for. */
  readonly curves: Curves | null;
  readonly reporter: Reporter;
  readonly interruption: Interruption;
  /** Saves the engine's state with its progress. */
  readonly save: (progress: Progress) => Promise<void>;
  /** Path of the newest checkpoint. */
  readonly lastCheckpoint: () => string | null;
}

export function stepsPerEpoch(trainImages: number, batchSize: number): number {
  return Math.ceil(trainImages / batchSize);
}

/**
 * Trains on from `start`, whose state the engine holds, until the run is finished or interrupted.
 * Either way all is saved when it returns; `finished` of the result tells which.
 *
 * Errors: RunError where a loss is not finite; the state that gave it is not saved.
 */
export async function train(loop: Loop, start: Progress): Promise<Progress> {
  const { config, trainImages } = loop;
  const perEpoch = stepsPerEpoch(trainImages, config.batchSize);
  const lastStep = Math.min(config.epochs * perEpoch, config.maxSteps ?? Infinity);
  const stopwatch = new Stopwatch(start.timing);
  const order = orderOf(config.seed, trainImages);
  const save = async (reached: Progress): Promise<Progress> => {
    const timed = { ...reached, timing: stopwatch.now() };
    try {
      await loop.save(timed);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      throw diverged(loop, reached, error.message);
    }
    return timed;
  };

  let progress = start;
  let saved = start;
  while (!progress.finished && loop.interruption.signal === null) {
    if (progress.stepInEpoch < perEpoch && progress.step < lastStep) {
      progress = trainStep(loop, progress, order(progress.epoch), perEpoch, stopwatch);
    } else {
      progress = await endEpoch(loop, progress, progress.step >= lastStep, stopwatch);
      if (progress.finished || progress.epoch % config.checkpoint.everyEpochs === 0) {
        saved = progress = await save(progress);
      }
    }
    // Lets signal handlers and timers run.
    await setImmediate();
  }
  return progress === saved ? progress : save(progress);
}

function trainStep(
  loop: Loop,
  progress: Progress,
  order: Int32Array,
  perEpoch: number,
  stopwatch: Stopwatch,
): Progress {
  const { config, engine, schedule } = loop;
  const { step, stepInEpoch } = progress;
  const measured = measuredIn(config);
  const begin = stepInEpoch * config.batchSize;
  const indices = order.slice(begin, begin + config.batchSize);
  const result = stopwatch.step(() => engine.trainStep(step, indices, schedule(step)));
  const broken = notFinite(result, measured.twoPasses);
  const reached = { ...progress, step: step + 1, stepInEpoch: stepInEpoch + 1 };
  if (broken !== null) throw diverged(loop, reached, `the ${broken[0]} is ${broken[1]}`);

  const sums = addStep(progress.sums, result, measured);
  loop.reporter.step({
    epoch: progress.epoch + 1,
    stepInEpoch: reached.stepInEpoch,
    stepsPerEpoch: perEpoch,
    loss: sums.loss / sums.images,
    accuracy: (100 * sums.correct) / sums.images,
    imagesPerSecond: stopwatch.imagesPerSecond(),
  });
  return { ...reached, sums };
}

/**
 * Evaluates and writes the rows. The checkpoint comes after them: rows past it are cut when the run
 * is resumed.
 */
async function endEpoch(
  loop: Loop,
  progress: Progress,
  finished: boolean,
  stopwatch: Stopwatch,
): Promise<Progress> {
  const { config, engine, schedule, metrics, timing, reporter } = loop;
  const { step, sums, bestTestAccuracy } = progress;
  const epoch = progress.epoch + 1;
  const test = engine.evaluate('test');
  if (!Number.isFinite(test.loss)) throw diverged(loop, progress, `the test loss is ${test.loss}`);

  const position = { epoch, step, learningRate: schedule(step - 1) };
  const row = metricsRow(position, sums, measuredIn(config), test, bestTestAccuracy);
  const times = stopwatch.endEpoch(epoch);
  await metrics.add({ ...formatMetrics(row) });
  loop.curves?.add({ ...formatMetrics(row) });
  await timing.add({ ...formatTiming(times) });
  reporter.epoch(row, times.seconds, times.images_per_second);
  return {
    epoch,
    step,
    stepInEpoch: 0,
    sums: NO_SUMS,
    bestTestAccuracy: row.best_test_accuracy,
    timing: progress.timing,
    finished,
  };
}

const measuredIn = ({ optimizer, labelNoise }: Config): Measured => ({
  twoPasses: hasTwoPasses(optimizer.name),
  labelNoise: hasLabelNoise(labelNoise),
});

/** The training images [N] in the order of an epoch (from 0); the last one asked for is kept. */
function orderOf(seed: number, trainImages: number): (epoch: number) => Int32Array {
  let kept: { readonly epoch: number; readonly order: Int32Array } | null = null;
  return (epoch) => {
    if (kept?.epoch !== epoch) {
      kept = { epoch, order: randomStream(seed, 'order', epoch).permutation(trainImages) };
    }
    return kept.order;
  };
}

/** `reached`: the end of the step, or of the epoch, where `problem` showed. */
function diverged(loop: Loop, reached: Progress, problem: string): RunError {
  const epoch = reached.stepInEpoch === 0 ? reached.epoch : reached.epoch + 1;
  const checkpoint = loop.lastCheckpoint();
  const good =
    checkpoint === null
      ? 'there is no checkpoint yet'
      : `the last good checkpoint is ${checkpoint}`;
  return new RunError(
    `epoch ${epoch}, step ${reached.step}: ${problem}: training has diverged; ${good}; the epochs before are in ` +
      `${loop.metrics.path}; try a lower schedule.learningRate${measuredIn(loop.config).twoPasses ? ' or optimizer.rho' : ''}`,
  );
}
