// A trained run and its images, opened to evaluate or analyse it.
import { ABSENT } from '../catalogue/identity.js';
import type { Config } from '../catalogue/schema.js';
import { loadConfig } from '../config/load.js';
import { pathsFrom } from '../config/paths.js';
import { remarksOn, type Dataset } from '../data/dataset.js';
import { loadDataset } from '../data/load.js';
import { refuseOtherClasses } from '../experiment/classes.js';
import { runFolder, type RunFolder } from '../experiment/folder.js';
import { openRun } from '../experiment/open-run.js';
import { begunWith, settingsToEvaluate } from '../experiment/processor.js';
import { noteOnGone, workingFolderOf } from '../experiment/working-folder.js';
import { openDevice } from '../native/device.js';
import { tell } from './output.js';
import { createRecordProgress } from './record-progress.js';

export interface ReadOptions {
  readonly dataDir?: string;
  readonly device?: string;
  readonly checkpoint?: string;
  readonly threads?: number;
}

interface RunToRead {
  readonly folder: RunFolder;
  /** Its paths begin in the folder where the run did. */
  readonly config: Config;
  /** Path of the checkpoint asked for, or of the newest. */
  readonly checkpoint: string;
  readonly isBest: boolean;
  /** What computes. */
  readonly inUse: string;
}

interface OpenToRead extends RunToRead {
  /** With the labels from before label noise. */
  readonly dataset: Dataset;
}

/** @param check whether the command can be done on such a run, before anything slow */
export async function openToRead(
  path: string,
  options: ReadOptions,
  check: (config: Config) => void,
): Promise<OpenToRead> {
  const run = await openWithoutData(path, options, check);
  const { data, seed } = run.config;
  const indexing = createRecordProgress();
  const dataset = await loadDataset(data, seed, indexing.index).finally(indexing.close);
  for (const line of remarksOn(dataset)) tell(line);
  await refuseOtherClasses(run.folder.classes, dataset);
  return { ...run, dataset };
}

/** The same where nothing of the data set is wanted. */
export async function openWithoutData(
  path: string,
  { dataDir, device, threads, ...options }: ReadOptions,
  check: (config: Config) => void,
): Promise<RunToRead> {
  const { checkpoint, isBest } = await openRun(path, options.checkpoint ?? null);
  const folder = runFolder(path);
  const overrides = { dataDirectory: dataDir, device };
  const working = await workingFolderOf(folder);
  const written = { config: folder.config, assignments: [], beneath: ABSENT };
  const config = loadConfig({ ...written, overrides, workingFolder: working.path });
  // What a trained run began with is not read again.
  const { labelNoise, model } = config;
  const note = noteOnGone(working, {
    ...config,
    labelNoise: { ...labelNoise, file: null },
    model: { ...model, pretrained: null },
  });
  if (note !== null) tell(note);
  check(config);
  const settings = settingsToEvaluate(await begunWith(folder), threads ?? null);
  const { inUse } = openDevice(config.device, settings, config);
  return { folder, config: pathsFrom(working.path, config), checkpoint, isBest, inUse };
}
