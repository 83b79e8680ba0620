// The door of this folder: one experiment from its configuration to its finished run folder.
import { pathsFrom } from '../config/paths.js';
import type { Config } from '../catalogue/schema.js';
import { bestOf, taskOf, type Best } from '../catalogue/task.js';
import {
  examplesIn,
  isStream,
  isText,
  noisyLabelsOf,
  remarksOn,
  type Dataset,
} from '../data/dataset.js';
import { describeNoise, realisedNoise, withLabelNoise } from '../data/label-noise.js';
import { loadDataset } from '../data/load.js';
import type { Workers } from '../graph/workers.js';
import type { Engine } from '../session/engine.js';
import type { CreateEngine } from '../tasks/engine.js';
import { counted } from '../util/counted.js';
import { refuseLocked, type Lock } from '../util/lock.js';
import { recordOfRun } from './belonging.js';
import { parameterCount, saveCheckpoint } from './checkpoint.js';
import { decide, type Decision } from './decision.js';
import {
  checkpointPath,
  defaultFolder,
  inspectFolder,
  listCheckpoints,
  lockFolder,
  refuseOthersFiles,
  removeOldCheckpoints,
  runFolder,
  type RunFolder,
} from './folder.js';
import { fingerprintOf } from './fingerprint.js';
import { fullGradientLines } from './full-gradient-lines.js';
import { AT_THE_END, beginTogether, follow, meet } from './follow.js';
import { NOTHING_WRITTEN, unlessInterrupted, type Interruption } from './interruption.js';
import { train, type Loop } from './loop.js';
import { begin, restore, type Opened } from './open.js';
import { bestRow } from './metrics.js';
import { beginWithPretrained, refuseOtherContent } from './pretrained.js';
import type { Reporter } from './reporter.js';
import { scheduleOf, staysAfter, stepsPerEpoch } from './steps.js';
import { writeSummary } from './summary.js';
import { openCurves } from './tensorboard.js';

/** What the caller knows of the machinery below; all of it goes into environment.json. */
export interface RunEnvironment {
  /** As the user is told: `CPU`, or the name of the GPU. */
  readonly device: string;
  /** Versions of TensorFlow and tfjs, why this device, and their like. */
  readonly [key: string]: unknown;
}

interface RunRequest {
  readonly config: Config;
  /** The run folder itself; null puts it at results/NAME/VARIANT/seed-N. */
  readonly folder: string | null;
  /** What relative paths of `config` are relative to. */
  readonly workingFolder: string;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly environment: RunEnvironment;
  readonly createEngine: CreateEngine;
  /** That train together, of which this process is one; left out: it is alone. */
  readonly workers?: Workers | undefined;
  readonly reporter: Reporter;
  readonly interruption: Interruption;
}

/**
 * `interrupted`: all is saved, and `resume` goes on from there. `reading`: so, too, but the data is
 * still being read, and who waits for that may wait for ever.
 */
type RunOutcome = 'finished' | 'interrupted' | 'reading';

/**
 * 1. Look into the folder, without writing, and decide what is to be done there; refuse what would
 * do harm. 2. Take the folder, and decide again: another process may have been there in between. 3.
 * Load the data, build the engine. 4. Begin the folder's files anew, or read the run's state from
 * them. 5. Train. 6. Sum up. A mistake of the user shows in the steps 1 to 3, before anything is
 * written, or in reading the state.
 *
 * Errors: UserError (a folder in use, finished, or of another configuration; data; a damaged
 * checkpoint; a full disk); RunError where training diverges.
 */
export async function runExperiment(request: RunRequest): Promise<RunOutcome> {
  const { config, workers } = request;
  if (workers !== undefined) {
    const { interruption } = request;
    workers.stop.wanted = () => interruption.signal;
    if (workers.index > 0) return followFirst(request, workers);
  }
  const folder = runFolder(request.folder ?? defaultFolder(config));
  await refuseLocked(folder.lock);
  const seen = decide(request, folder, await inspectFolder(folder));
  if (seen.kind === 'start') await refuseOthersFiles(folder);
  if (seen.kind === 'nothing') return endFinished(folder, request);
  const lock = await lockFolder(folder);
  try {
    const decision = decide(request, folder, await inspectFolder(folder));
    if (decision.kind === 'nothing') return await endFinished(folder, request);
    const outcome = await withEngine(request, (engine, dataset) =>
      runIn(folder, lock, request, decision, dataset, engine),
    );
    if (outcome === 'reading') request.reporter.note(NOTHING_WRITTEN);
    return outcome;
  } finally {
    await lock.release();
  }
}

/** Nothing is left to do, which other workers wait to hear. */
async function endFinished(folder: RunFolder, request: RunRequest): Promise<RunOutcome> {
  request.reporter.note(
    `${folder.path}: this run is finished already; its result is in ${folder.summary}`,
  );
  if (request.workers === undefined) return 'finished';
  return withEngine(request, async (engine, dataset) => {
    await meet(engine, request.config, dataset, request.environment);
    beginTogether(engine, AT_THE_END);
    return 'finished';
  });
}

/** A worker that is not the first: it reads the data, and computes with it. */
async function followFirst(request: RunRequest, workers: Workers): Promise<RunOutcome> {
  return withEngine(request, async (engine, dataset) => {
    const outcome = await follow(engine, workers, request.config, dataset, request.environment);
    if (outcome === 'interrupted') agreedSignal(workers, request.interruption);
    return outcome;
  });
}

/** What comes of the engine over its data; `reading` where a signal comes before the data is there. */
async function withEngine(
  request: RunRequest,
  use: (engine: Engine, dataset: Dataset) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const { config, workers } = request;
  const dataset = await unlessInterrupted(request.interruption, readData(request));
  if (dataset === null) return 'reading';
  const engine = request.createEngine(config, dataset, { mode: 'compiled', workers });
  try {
    return await use(engine, dataset);
  } finally {
    engine.dispose();
  }
}

async function readData({ reporter, ...request }: RunRequest): Promise<Dataset> {
  const config = pathsFrom(request.workingFolder, request.config);
  const images = await loadDataset(config.data, config.seed, reporter.indexing);
  for (const line of remarksOn(images)) reporter.note(line);
  const reading = readingLine(images, config);
  if (reading !== null) reporter.note(reading);
  return withLabelNoise(images, config);
}

async function runIn(
  folder: RunFolder,
  { refuseLost }: Lock,
  request: RunRequest,
  decision: Exclude<Decision, { kind: 'nothing' }>,
  dataset: Dataset,
  engine: Engine,
): Promise<RunOutcome> {
  const { config, reporter, interruption } = request;
  const best = bestOf(config);
  const trainImages = examplesIn(dataset.train);
  const perEpoch = stepsPerEpoch(trainImages, config);
  if (interruption.signal !== null) {
    reporter.note(NOTHING_WRITTEN);
    return 'interrupted';
  }
  await refuseLost();
  const { workers } = request;
  if (workers !== undefined) await meet(engine, config, dataset, request.environment);
  const opened =
    decision.kind === 'start'
      ? await startIn(folder, request, dataset, engine)
      : await restore(folder, request, decision.checkpoint, dataset, engine);
  if (workers !== undefined) {
    reporter.note(workersLine(workers, config));
    beginTogether(engine, opened.progress);
  }

  const noisy = noisyLabelsOf(dataset);
  if (noisy !== null) reporter.note(noiseLine(config, noisy));
  if (config.checkpoint.keepBest && best.by.split === 'test') reporter.note(bestByTest(best));
  for (const line of fullGradientLines(config, trainImages)) reporter.note(line);
  if (config.xla === 'on') reporter.note(COMPILES);
  reporter.start({
    folder: folder.path,
    parameters: parameterCount(engine),
    device: request.environment.device,
    epochs: config.epochs,
    stepsPerEpoch: perEpoch,
    stepsDone: opened.progress.step,
    preparationSeconds: performance.now() / 1000,
    examples: taskOf(config).examples,
  });
  const checkpoints = await keepCheckpoints(folder, config, engine, dataset);
  const schedule = scheduleOf(perEpoch, config);
  const curves = config.logging.tensorboard
    ? openCurves(folder.tensorboard, engine.measures, best, opened.metrics.rows)
    : null;
  const reached = await train(
    {
      ...{ ...request, ...opened, ...checkpoints, engine, perEpoch, schedule, curves, refuseLost },
      interruption: workers === undefined ? interruption : agreedWith(workers, interruption),
    },
    opened.progress,
  );
  if (!reached.finished) return 'interrupted';
  const { rows } = opened.metrics;
  await writeSummary(folder.summary, rows, best, reached, parameterCount(engine));
  reporter.end({
    folder: folder.path,
    judged: best,
    last: Number(rows.at(-1)?.[best.test.column]),
    best: Number(rows.at(-1)?.[best.soFar.column]),
    bestEpoch: Number(bestRow(rows, best)?.['epoch']),
    totalSeconds: reached.timing.totalSeconds,
  });
  return 'finished';
}

/** A run that is resumed before its first checkpoint begins anew, with the weights that it began with before. */
async function startIn(
  folder: RunFolder,
  request: RunRequest,
  dataset: Dataset,
  engine: Engine,
): Promise<Opened> {
  const pretrained = await beginWithPretrained(request, engine, dataset);
  if (request.resume) await refuseOtherContent(folder, pretrained);
  return begin(folder, request, dataset, pretrained);
}

/** Heard only when all workers have been told: they end after the same step. */
const agreedWith = (workers: Workers, own: Interruption): Interruption => ({
  get signal() {
    return agreedSignal(workers, own);
  },
});

function agreedSignal({ stop }: Workers, own: Interruption): Interruption['signal'] {
  // The same for all, whoever got it: batch systems look at how each ends.
  if (stop.agreed !== null) own.signal = stop.agreed;
  return stop.agreed;
}

const workersLine = ({ count, timeoutSeconds }: Workers, { batchSize }: Config): string =>
  `${count} workers share every batch of ${batchSize}; one that is lost ends all after ${timeoutSeconds} s`;

const COMPILES =
  'xla: the first step and the first evaluation are compiled as they come: half a minute to some minutes without a word';

const bestByTest = ({ test }: Best): string =>
  `checkpoint.keepBest: the best epoch is chosen by the test set, which makes its ${test.name} too good; ` +
  'data.validation holds a part of the training set out to choose by';

/** What is read while the run goes on, and what that takes; null where memory holds it all. */
function readingLine(dataset: Dataset, { batchSize, evaluationBatchSize }: Config): string | null {
  if (isText(dataset)) return null;
  const { name, classes, train, test } = dataset;
  const [trained, tested] = [train.images, test.images];
  if (!isStream(trained) || !isStream(tested)) return null;
  const { threads, bytes } = trained.needs(batchSize);
  const memory = Math.max(bytes, tested.needs(evaluationBatchSize).bytes) / 1e6;
  const [ofTrain, ofTest, all] = [train.labels.length, test.labels.length, classes].map((n) =>
    n.toLocaleString('en'),
  );
  return (
    `${name}: ${ofTrain} training and ${ofTest} test images of ${all} classes, read by ` +
    `${counted(threads, 'thread')} in about ${memory.toFixed(0)} MB`
  );
}

/** `label noise symmetric 0.4 inclusive, seed 1: 3,598 of 10,000 labels changed (35.98 %)` */
function noiseLine(config: Config, noisy: NonNullable<ReturnType<typeof noisyLabelsOf>>): string {
  const { changed, rate } = realisedNoise(noisy);
  const [part, all] = [changed, noisy.labels.length].map((n) => n.toLocaleString('en'));
  return `label noise ${describeNoise(config)}: ${part} of ${all} labels changed (${(100 * rate).toFixed(2)} %)`;
}

/** Saves under the step's number, and keeps the last two; and the best, where that is asked for. */
async function keepCheckpoints(
  folder: RunFolder,
  config: Config,
  engine: Engine,
  dataset: Dataset,
): Promise<Pick<Loop, 'save' | 'saveBest' | 'lastCheckpoint' | 'stays'>> {
  const { classNames } = dataset;
  const trainImages = examplesIn(dataset.train);
  const record = { ...recordOfRun(config), trainImages, data: fingerprintOf(dataset) };
  const stays = staysAfter(trainImages, config);
  let [last = null] = await listCheckpoints(folder);
  return {
    stays,
    save: async (progress) => {
      const path = checkpointPath(folder, progress.step);
      await saveCheckpoint(path, engine, { ...record, progress }, classNames);
      last = path;
      await removeOldCheckpoints(folder, stays);
    },
    saveBest: config.checkpoint.keepBest
      ? (progress) => saveCheckpoint(folder.best, engine, { ...record, progress }, classNames)
      : null,
    lastCheckpoint: () => last,
  };
}
