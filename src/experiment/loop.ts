// The training loop: step after step, an evaluation and a row at each epoch's end, checkpoints,
// until done or interrupted.
import { setImmediate } from 'node:timers/promises';
import type { Config } from '../catalogue/schema.js';
import { hasLabelNoise } from '../data/label-noise.js';
import type { Schedule } from '../optim/schedule.js';
import type { Engine, Evaluation } from '../train/engine.js';
import { RunError, UserError } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import type { Interruption } from './interruption.js';
import {
  addStep,
  bestBy,
  bestRow,
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

type Save = (progress: Progress) => Promise<void>;

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
  readonly save: Save;
  /** Keeps the state of the best epoch; null where that is not asked for. */
  readonly saveBest: Save | null;
  /** Throws a RunError where the folder is another process's by now. */
  readonly refuseLost: () => Promise<void>;
  /** Path of the newest checkpoint. */
  readonly lastCheckpoint: () => string | null;
}

/**
 * Training steps of an epoch. Errors: UserError where `dropLast` leaves none.
 */
export function stepsPerEpoch(
  trainImages: number,
  { batchSize, dropLast }: Pick<Config, 'batchSize' | 'dropLast'>,
): number {
  if (!dropLast) return Math.ceil(trainImages / batchSize);
  if (trainImages >= batchSize) return Math.floor(trainImages / batchSize);
  throw new UserError(
    `batchSize: got ${batchSize} with dropLast, which leaves no batch of ${trainImages} training images; ` +
      `wanted ${trainImages} at most, or dropLast: false`,
  );
}

/**
 * Trains on from `start`, whose state the engine holds, until the run is finished or interrupted.
 * Either way all is saved when it returns; `finished` of the result tells which.
 *
 * Errors: RunError where a loss is not finite, and the state that gave it is not saved, or where the
 * folder is lost.
 */
export async function train(loop: Loop, start: Progress): Promise<Progress> {
  const { config, trainImages } = loop;
  const perEpoch = stepsPerEpoch(trainImages, config);
  const lastStep = Math.min(config.epochs * perEpoch, config.maxSteps ?? Infinity);
  const stopwatch = new Stopwatch(start.timing);
  const order = orderOf(config.seed, trainImages);
  const save = async (reached: Progress, write: Save = loop.save): Promise<Progress> => {
    const timed = { ...reached, timing: stopwatch.now() };
    await loop.refuseLost();
    try {
      await write(timed);
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
      const ended = await endEpoch(loop, progress, progress.step >= lastStep, stopwatch);
      if (ended === null) break;
      progress = ended;
      // Before the checkpoint: a process killed in between measures the epoch again and keeps it then.
      if (loop.saveBest !== null && isBest(loop, progress.epoch))
        await save(progress, loop.saveBest);
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
 * Evaluates and writes the rows; null where the run is interrupted before there is anything to
 * write: when it is resumed, it evaluates anew. The checkpoint comes after the rows: those past it
 * are cut when the run is resumed.
 */
async function endEpoch(
  loop: Loop,
  progress: Progress,
  finished: boolean,
  stopwatch: Stopwatch,
): Promise<Progress | null> {
  const { config, schedule, metrics, timing, reporter } = loop;
  const { step, sums } = progress;
  const epoch = progress.epoch + 1;
  const test = await evaluate(loop, 'test');
  const validation =
    config.data.validation === null ? undefined : await evaluate(loop, 'validation');
  if (test === null || validation === null) return null;
  const evaluations = { test, ...(validation && { validation }) };
  for (const [set, { loss }] of Object.entries(evaluations)) {
    if (!Number.isFinite(loss)) throw diverged(loop, progress, `the ${set} loss is ${loss}`);
  }

  const position = { epoch, step, learningRate: schedule(step - 1) };
  const before = bestRow(metrics.rows, bestBy(config));
  const best = {
    chosenBy: before === undefined ? null : Number(before[bestBy(config)]),
    testAccuracy: progress.bestTestAccuracy,
  };
  const row = metricsRow(position, sums, measuredIn(config), evaluations, best);
  const times = stopwatch.endEpoch(epoch);
  await loop.refuseLost();
  await metrics.add(formatMetrics(row));
  loop.curves?.add(formatMetrics(row));
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

const isBest = ({ config, metrics }: Loop, epoch: number): boolean =>
  Number(bestRow(metrics.rows, bestBy(config))?.['epoch']) === epoch;

/** Null where the run is interrupted before the end. */
async function evaluate(
  { engine, interruption }: Loop,
  split: 'test' | 'validation',
): Promise<Evaluation | null> {
  const parts = engine.evaluateInParts(split);
  for (;;) {
    if (interruption.signal !== null) return null;
    const part = parts.next();
    if (part.done === true) return part.value;
    await setImmediate();
  }
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
