// The training loop: step after step, an evaluation and a row at each epoch's end, checkpoints,
// until done or interrupted.
import { setImmediate } from 'node:timers/promises';
import { climbs } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import { bestOf, taskOf, type MeasureRow } from '../catalogue/task.js';
import type { HostBatch } from '../data/source.js';
import type { Schedule } from '../optim/schedule.js';
import type { Engine } from '../session/engine.js';
import type { Evaluation } from '../session/evaluation.js';
import type { FullGradientInParts } from '../session/full-gradient.js';
import { isTraining, type Measure, type TrainingMeasure } from '../session/measure.js';
import { required, RunError } from '../util/errors.js';
import { batchesOf, close, type Batches } from './batches.js';
import { nextUnlessInterrupted, type Interruption } from './interruption.js';
import {
  bestRow,
  byCause,
  epochNumbers,
  formatMetrics,
  notFinite,
  type EpochNumbers,
  type Evaluations,
} from './metrics.js';
import type { ProbeTable } from './probes.js';
import type { Progress } from './progress.js';
import type { EpochEnd, Reporter } from './reporter.js';
import { stepsInAll } from './steps.js';
import { addStep, meanSoFar, NO_SUMS } from './sums.js';
import type { SkippedImages } from './skipped.js';
import type { Table } from './table.js';
import type { Curves } from './tensorboard.js';
import { formatTiming, Stopwatch, type TimingRow } from './timing.js';

type Save = (progress: Progress) => Promise<void>;

export interface Loop {
  readonly config: Config;
  readonly engine: Engine;
  /** Training steps of an epoch. */
  readonly perEpoch: number;
  readonly schedule: Schedule;
  readonly metrics: Table;
  readonly timing: Table;
  /** TensorBoard's, where they are asked for. */
  readonly curves: Curves | null;
  /** Of the training images that are skipped; null where one that cannot be read is an error. */
  readonly skipped: SkippedImages | null;
  /** Null where steps are not probed. */
  readonly probes: ProbeTable | null;
  readonly reporter: Reporter;
  readonly interruption: Interruption;
  /** Saves the engine's state with its progress. */
  readonly save: Save;
  /** Whether the checkpoint after so many steps stays, and so is saved. */
  readonly stays: (steps: number) => boolean;
  /** Keeps the state of the best epoch; null where that is not asked for. */
  readonly saveBest: Save | null;
  /** Throws a RunError where the folder is another process's by now. */
  readonly refuseLost: () => Promise<void>;
  /** Path of the newest checkpoint. */
  readonly lastCheckpoint: () => string | null;
}

/** The engine's measures as the loop goes through them, worked out once. */
interface Rows {
  readonly training: readonly TrainingMeasure[];
  readonly running: readonly TrainingMeasure[];
  readonly byCause: readonly MeasureRow[];
}

function rowsOf(measures: readonly Measure[]): Rows {
  const training = measures.filter(isTraining);
  const running = training.filter((row) => row.running !== undefined);
  return { training, running, byCause: byCause(measures) };
}

/**
 * Trains on from `start`, whose state the engine holds, until the run is finished or interrupted.
 * Either way all is saved when it returns; `finished` of the result tells which.
 *
 * Errors: RunError where a loss is not finite, and the state that gave it is not saved, or where the
 * folder is lost.
 */
export async function train(loop: Loop, start: Progress): Promise<Progress> {
  const { config, perEpoch } = loop;
  const lastStep = stepsInAll(perEpoch, config);
  const stopwatch = new Stopwatch(start.timing);
  const rows = rowsOf(loop.engine.measures);
  const save = async (reached: Progress, write: Save = loop.save): Promise<Progress> => {
    const timed = { ...reached, timing: stopwatch.now() };
    await loop.refuseLost();
    await loop.skipped?.keep(loop.reporter.note);
    await loop.probes?.write();
    try {
      await write(timed);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      throw diverged(loop, reached, error.message);
    }
    return timed;
  };
  const source = required(loop.engine.training, 'what is trained on');
  const batches = batchesOf(source, loop.interruption, loop.reporter.note);

  let progress = start;
  let saved = start;
  /** What was reached stays good where something cannot be read. */
  const reading = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (progress === saved) throw error;
      await save(progress);
      loop.reporter.note(`saved after step ${progress.step}: --resume goes on from there`);
      throw error;
    }
  };
  try {
    while (!progress.finished && loop.interruption.signal === null) {
      if (progress.stepInEpoch < perEpoch && progress.step < lastStep) {
        const { engine } = loop;
        const full = await reading(
          stopwatch.prepare(taken(loop, batches, engine.fullGradient(progress))),
        );
        const probed = await reading(taken(loop, batches, engine.probe(progress)));
        if (full === null || probed === null) break;
        const batch = await reading(stopwatch.waitFor(batches.next(progress)));
        if (batch === null) break;
        if (probed !== NOT_DUE) probe(loop, progress, batch, probed);
        progress = trainStep(loop, rows, progress, batch, stopwatch);
      } else {
        // What reads is free for what is evaluated.
        batches.close();
        const evaluations = await reading(evaluateAll(loop));
        if (evaluations === null) break;
        progress = await endEpoch(loop, rows, progress, evaluations, {
          finished: progress.step >= lastStep,
          stopwatch,
        });
        // Before the checkpoint: a process killed in between measures the epoch again and keeps it then.
        if (loop.saveBest !== null && isBest(loop, progress.epoch))
          await save(progress, loop.saveBest);
        const isDue = progress.epoch % config.checkpoint.everyEpochs === 0;
        if (progress.finished || isDue || loop.stays(progress.step)) {
          saved = progress = await save(progress);
        }
        // Lets signal handlers and timers run.
        await setImmediate();
      }
    }
    return progress === saved ? progress : await save(progress);
  } finally {
    batches.close();
  }
}

function trainStep(
  loop: Loop,
  rows: Rows,
  progress: Progress,
  batch: HostBatch,
  stopwatch: Stopwatch,
): Progress {
  const { engine, schedule, perEpoch } = loop;
  const { step, stepInEpoch } = progress;
  const result = stopwatch.step(batch.examples, () =>
    engine.trainStep(step, batch, schedule(step)),
  );
  const broken = notFinite(rows.byCause, result.numbers);
  const reached = { ...progress, step: step + 1, stepInEpoch: stepInEpoch + 1 };
  if (broken !== null) throw diverged(loop, reached, `the ${broken[0]} is ${broken[1]}`);

  const sums = addStep(progress.sums, result, rows.training);
  loop.reporter.step({
    epoch: progress.epoch + 1,
    stepInEpoch: reached.stepInEpoch,
    stepsPerEpoch: perEpoch,
    running: rows.running.flatMap((measure) => {
      const value = meanSoFar(measure, sums);
      return value === null ? [] : [{ measure, value }];
    }),
    imagesPerSecond: stopwatch.imagesPerSecond(),
  });
  return { ...reached, sums };
}

/** Writes the rows. The checkpoint comes after them: those past it are cut when the run is resumed. */
async function endEpoch(
  loop: Loop,
  rows: Rows,
  progress: Progress,
  evaluations: Evaluations,
  { finished, stopwatch }: { readonly finished: boolean; readonly stopwatch: Stopwatch },
): Promise<Progress> {
  const { config, engine, schedule, metrics, timing } = loop;
  const { step, sums } = progress;
  const epoch = progress.epoch + 1;
  for (const { numbers } of Object.values<Evaluation>({ ...evaluations })) {
    const broken = notFinite(rows.byCause, numbers);
    if (broken !== null) throw diverged(loop, progress, `the ${broken[0]} is ${broken[1]}`);
  }

  const position = { epoch, step, learningRate: schedule(step - 1) };
  const best = bestOf(config);
  const before = bestRow(metrics.rows, best);
  const numbers = epochNumbers(config, position, sums, engine.measures, evaluations, {
    chosenBy: before === undefined ? null : Number(before[best.by.column]),
    test: progress.bestTestAccuracy,
  });
  const times = stopwatch.endEpoch(epoch);
  await loop.refuseLost();
  const row = formatMetrics(config, numbers);
  await metrics.add(row);
  loop.curves?.add(row);
  await loop.skipped?.keep(loop.reporter.note);
  await loop.probes?.write();
  await timing.add(formatTiming(times, taskOf(loop.config)));
  const bestTest = required(numbers[best.soFar.column], best.soFar.column);
  const reached = { ...position, best: { measure: best.test, value: bestTest } };
  tellEpoch(loop, numbers, reached, times);
  return {
    epoch,
    step,
    stepInEpoch: 0,
    sums: NO_SUMS,
    bestTestAccuracy: bestTest,
    timing: progress.timing,
    finished,
  };
}

function tellEpoch(
  { engine, reporter }: Loop,
  numbers: EpochNumbers,
  reached: Pick<EpochEnd, 'epoch' | 'learningRate' | 'best'>,
  { seconds, per_second: imagesPerSecond }: TimingRow,
): void {
  const measured = engine.measures.flatMap((measure) => {
    const value = numbers[measure.column] ?? null;
    return measure.console && value !== null ? [{ measure, value }] : [];
  });
  reporter.epoch({ ...reached, measured, seconds, imagesPerSecond });
}

const isBest = ({ config, metrics }: Loop, epoch: number): boolean =>
  Number(bestRow(metrics.rows, bestOf(config))?.['epoch']) === epoch;

/**
 * What the end of an epoch asks for; null where the run is interrupted before all is there: when it is
 * resumed, it evaluates anew.
 */
async function evaluateAll(loop: Loop): Promise<Evaluations | null> {
  const test = await evaluate(loop, 'test');
  if (test === null || loop.config.data.validation === null) return test && { test };
  const validation = await evaluate(loop, 'validation');
  return validation && { test, validation };
}

const evaluate = (loop: Loop, split: 'test' | 'validation'): Promise<Evaluation | null> =>
  toEnd(loop, loop.engine.evaluateInParts(split));

/** No full gradient is needed. */
const NOT_DUE = 'not due';

/**
 * The mean loss over what a full gradient is taken over, if one is. Null where the run is interrupted before it is
 * there: when it is resumed, it is taken anew.
 */
async function taken(
  loop: Loop,
  batches: Batches,
  parts: FullGradientInParts | null,
): Promise<number | typeof NOT_DUE | null> {
  if (parts === null) return NOT_DUE;
  // What reads is free for it.
  batches.close();
  return toEnd(loop, parts);
}

/** Looks at the step that comes next. */
function probe(
  { engine, schedule, probes }: Loop,
  { epoch, step }: Progress,
  batch: HostBatch,
  fullLoss: number,
): void {
  const learningRate = schedule(step);
  const position = { epoch: epoch + 1, step: step + 1, learningRate, fullLoss };
  probes?.add(position, engine.probed(step, batch, learningRate));
}

/** What comes of it at its end; null where the run is interrupted before. */
async function toEnd<R>(
  { interruption, reporter }: Loop,
  parts: AsyncIterator<undefined, R>,
): Promise<R | null> {
  try {
    for (;;) {
      const part = await nextUnlessInterrupted(interruption, parts);
      if (part === null) return null;
      if (part.done === true) return part.value;
    }
  } finally {
    close(parts, reporter.note);
  }
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
    `epoch ${epoch}, step ${reached.step}: ${problem}: training has diverged; ${good}; ` +
      `${epoch > 1 ? `the epochs before are in ${loop.metrics.path}; ` : ''}try a lower schedule.learningRate${climbs(loop.config.optimizer) ? ' or optimizer.rho' : ''}`,
  );
}
