// The files of a run folder, begun anew or read back to go on.
import { existsSync } from 'node:fs';
import type { Config } from '../catalogue/schema.js';
import { bestOf, taskOf } from '../catalogue/task.js';
import { formatConfig } from '../config/text.js';
import { examplesIn, isStream, isText, noisyLabelsOf, type Dataset } from '../data/dataset.js';
import { realisedNoise } from '../data/label-noise.js';
import { readNoisyLabels, writeNoisyLabels } from '../data/label-noise-file.js';
import type { Engine } from '../session/engine.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import { belongsTo } from './belonging.js';
import { refuseOtherClasses, writeClasses } from './classes.js';
import { loadCheckpoint } from './checkpoint.js';
import { refuseOtherDevice } from './device-used.js';
import { readEnvironment, sittingsOf, writeEnvironment } from './environment.js';
import { isOtherThan } from './fingerprint.js';
import {
  claimFolder,
  clearCurves,
  clearFolder,
  listCheckpoints,
  refuseOthersFiles,
  removeBest,
  removeOldCheckpoints,
  removeTemporaries,
  type RunFolder,
} from './folder.js';
import { bestRow, metricsTable } from './metrics.js';
import { refuseOtherPretrained, type PretrainedFile } from './pretrained.js';
import { probeTable, restoreProbes, type ProbeTable } from './probes.js';
import { BEGINNING, type Progress } from './progress.js';
import type { Reporter } from './reporter.js';
import { readSkipped, SkippedImages, type Skipped } from './skipped.js';
import { readTable, Table } from './table.js';
import { staysAfter } from './steps.js';
import { timingTable } from './timing.js';
import { workersIn } from './workers-used.js';

export interface OpenRequest {
  readonly config: Config;
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly reporter: Reporter;
}

/** The tables of a run, and how far it has come; the engine holds the state that belongs to it. */
export interface Opened {
  readonly progress: Progress;
  readonly metrics: Table;
  readonly timing: Table;
  /** Null where a training image that cannot be read is an error. */
  readonly skipped: SkippedImages | null;
  /** Null where steps are not probed. */
  readonly probes: ProbeTable | null;
}

/**
 * A new run: whatever a run left in the folder goes, and files that are not ours stay.
 *
 * @param pretrained what the engine has its weights from; null: they are drawn
 */
export async function begin(
  folder: RunFolder,
  request: OpenRequest,
  dataset: Dataset,
  pretrained: PretrainedFile | null,
): Promise<Opened> {
  const { config, environment } = request;
  await removeTemporaries(folder);
  await clearFolder(folder);
  await claimFolder(folder, config);
  const places = { ...describePlaces(request, dataset), ...(pretrained && { pretrained }) };
  await writeEnvironment(folder.environment, environment, places, false);
  await writeFileAtomically(folder.config, formatConfig(config, folder.path));
  const noisy = noisyLabelsOf(dataset);
  if (noisy !== null) {
    await writeNoisyLabels(folder.labelNoise, noisy.originalLabels, noisy.labels);
  }
  if (dataset.classNames !== undefined) await writeClasses(folder.classes, dataset.classNames);
  await makeFolders(folder.checkpoints);
  const metrics = new Table(folder.metrics, metricsTable(config));
  const timing = new Table(folder.timing, timingTable(taskOf(config)));
  await metrics.write();
  await timing.write();
  const skipped = skippedImages(folder, dataset);
  await skipped?.write();
  const probes = probeTable(folder.probes, config);
  await probes?.write();
  return { progress: BEGINNING, metrics, timing, skipped, probes };
}

type Environment = Readonly<Record<string, unknown>>;

/** That the parts of a batch are others than they were; null where they are not. */
function workersLine(begun: Environment, now: Environment): string | null {
  const last = sittingsOf(begun).at(-1) ?? begun;
  const [before, after] = [workersIn(last), workersIn(now)];
  if (before === after) return null;
  return `workers: goes on with ${after}, after ${before}: each has another share of a batch, which climbs and is normalised by itself, so that the numbers differ from here on`;
}

/**
 * The run as its newest checkpoint has it. Everything is read and checked before anything is
 * written.
 */
export async function restore(
  folder: RunFolder,
  request: OpenRequest,
  checkpoint: string,
  dataset: Dataset,
  engine: Engine,
): Promise<Opened> {
  const { config, environment, reporter } = request;
  await refuseOtherDevice(folder, environment);
  const workers = workersLine(await readEnvironment(folder.environment), environment);
  if (workers !== null) reporter.note(workers);
  await refuseOtherClasses(folder.classes, dataset);
  await refuseOtherPretrained(folder, request);
  const wayOut = await wayOutOf(folder);
  const record = await withWayOut(wayOut, () => loadCheckpoint(checkpoint, engine));
  const trainImages = examplesIn(dataset.train);
  if (!belongsTo(record, config, folder)) {
    throw new UserError(`${checkpoint}: is a checkpoint of another configuration; ${wayOut}`);
  }
  if (record.trainImages !== trainImages) {
    throw new UserError(
      `${dataset.source}: has ${trainImages} training ${taskOf(config).examples}, wanted the ${record.trainImages} that the run in ` +
        `${folder.path} began with; bring them back, or start anew with --overwrite`,
    );
  }
  await checkNoisyLabels(folder, dataset);
  if (isOtherThan(record.data, dataset)) {
    throw new UserError(
      `${dataset.source}: holds other ${taskOf(config).examples} than the run in ${folder.path} began with, though as many; ` +
        'bring them back, or start anew with --overwrite',
    );
  }
  await refuseOthersFiles(folder, config);
  const skipped = await skippedSoFar(folder, dataset);
  const { progress } = record;
  const restart = 'start anew with --overwrite';
  const [metrics, timing] = await withWayOut(restart, () =>
    Promise.all([
      readTable(folder.metrics, metricsTable(config), progress.epoch),
      readTable(folder.timing, timingTable(taskOf(config)), progress.epoch),
    ]),
  );
  const probes = await withWayOut('mend it, or delete it: it begins anew then', () =>
    restoreProbes(folder.probes, config, progress.step),
  );
  await removeTemporaries(folder);
  // A process killed right after saving has left one too many.
  await removeOldCheckpoints(folder, staysAfter(trainImages, config));
  await clearCurves(folder);
  await claimFolder(folder, config);
  await writeEnvironment(folder.environment, environment, describePlaces(request, dataset), true);
  await metrics.write();
  await timing.write();
  await skipped?.write();
  await probes?.write();
  const place = `epoch ${progress.epoch + 1} after step ${progress.step}`;
  reporter.note(`resumed from ${checkpoint}: ${place}`);
  if (!config.checkpoint.keepBest) {
    // It would no longer be the best.
    await removeBest(folder);
  } else if (progress.epoch > 0 && !existsSync(folder.best)) {
    const best = bestRow(metrics.rows, bestOf(config))?.['epoch'] ?? '';
    reporter.note(
      `checkpoint.keepBest: epoch ${best}, the best so far, was not kept; a better one will be`,
    );
  }
  return { progress, metrics, timing, skipped, probes };
}

/** Null where a training image that cannot be read is an error. */
function skippedImages(
  folder: RunFolder,
  dataset: Dataset,
  listed?: Skipped,
): SkippedImages | null {
  const images = isText(dataset) ? null : dataset.train.images;
  const found = images !== null && isStream(images) ? images.skipped : undefined;
  return found === undefined ? null : new SkippedImages(folder.skipped, found, listed);
}

/** With what the run has listed so far. Errors: UserError where that is damaged. */
async function skippedSoFar(folder: RunFolder, dataset: Dataset): Promise<SkippedImages | null> {
  const none = skippedImages(folder, dataset);
  if (none === null || !existsSync(folder.skipped)) return none;
  const wayOut = 'mend it, or delete it: those that are skipped from now on are listed then';
  const listed = await withWayOut(wayOut, () => readSkipped(folder.skipped));
  return skippedImages(folder, dataset, listed);
}

/** Where the run began, where the images come from, and how many training labels are wrong on purpose. */
function describePlaces(
  { workingFolder }: OpenRequest,
  dataset: Dataset,
): Readonly<Record<string, unknown>> {
  const { source, passedOver = [] } = dataset;
  const data = {
    workingFolder,
    data: source,
    ...(passedOver.length > 0 && { dataPassedOver: passedOver }),
  };
  const noisy = noisyLabelsOf(dataset);
  if (noisy === null) return data;
  const { changed, rate } = realisedNoise(noisy);
  return { ...data, labelNoise: { changedLabels: changed, rate } };
}

/** A file of labels may have been changed since the run began. */
async function checkNoisyLabels(folder: RunFolder, dataset: Dataset): Promise<void> {
  const noisy = noisyLabelsOf(dataset);
  if (noisy === null) return;
  const { labels, originalLabels } = noisy;
  const begun = await readNoisyLabels(folder.labelNoise, originalLabels, dataset.classes);
  const changed = labels.findIndex((label, i) => label !== begun[i]);
  if (changed < 0) return;
  throw new UserError(
    `${folder.labelNoise}:${changed + 2}: got the label ${begun[changed] ?? ''}, where labelNoise now gives ` +
      `${labels[changed] ?? ''}; bring its file back, or start anew with --overwrite`,
  );
}

async function wayOutOf(folder: RunFolder): Promise<string> {
  const [, older] = await listCheckpoints(folder);
  return older === undefined
    ? 'start anew with --overwrite'
    : `delete it to go on from ${older}, or start anew with --overwrite`;
}

async function withWayOut<T>(wayOut: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${error.message}; ${wayOut}`) : error;
  }
}
