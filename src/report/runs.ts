// Finds run folders and reads what their runs came to.
import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../catalogue/schema.js';
import { configOf, runFolder, type RunFolder } from '../experiment/folder.js';
import { metricsTable } from '../experiment/metrics.js';
import { readJson, readSummary, RUN_ANEW } from '../experiment/summary.js';
import { readTable } from '../experiment/table.js';
import { TIMING_TABLE } from '../experiment/timing.js';
import { UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { noFolder } from '../util/folders.js';
import { ownedFiles } from '../util/owned-files.js';

/** A row of metrics.csv; null where a field is empty. */
export type Epoch = Readonly<Record<string, number | null>>;

/** Test accuracies that a run is judged by, in percent. */
export interface Scores {
  /** After the last epoch. */
  readonly last: number;
  /** At the best epoch: by the validation set where there is one, else by the test set itself. */
  readonly best: number;
  /** Mean over the last ten epochs. */
  readonly lastTen: number;
}

export interface Run {
  readonly folder: string;
  readonly config: Config;
  readonly epochs: readonly Epoch[];
  readonly scores: Scores;
  /** Accuracy at the best epoch on the images held out for validation; null where there are none. */
  readonly bestValidation: number | null;
  readonly parameters: number;
  readonly seconds: number;
  /** Over all epochs. */
  readonly imagesPerSecond: number;
  readonly environment: Readonly<Record<string, unknown>>;
}

interface Found {
  readonly runs: readonly Run[];
  /** Folders of runs that are not finished. */
  readonly unfinished: readonly string[];
  /** Why runs were left out, a line each: a file of theirs is damaged. */
  readonly damaged: readonly string[];
}

/**
 * The runs in `paths`, each a run folder or any folder above some; a run that several of them lead to
 * is one.
 *
 * Errors: UserError where there is no such folder, no run in it, or every run is damaged.
 */
export async function readRuns(paths: readonly string[]): Promise<Found> {
  const runs: Run[] = [];
  const [unfinished, damaged]: [string[], string[]] = [[], []];
  const seen = new Set<string>();
  for (const path of new Set(paths)) {
    const folders = await findRuns(path, seen);
    if (folders.length === 0 && (await findRuns(path)).length === 0) {
      throw new UserError(
        `${path}: holds no run; wanted a run folder such as results/NAME/VARIANT/seed-1, or a folder above some`,
      );
    }
    for (const folder of folders) {
      if (!existsSync(runFolder(folder).summary)) {
        unfinished.push(folder);
        continue;
      }
      try {
        runs.push(await readRun(folder));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        damaged.push(error.message);
      }
    }
  }
  const [first] = damaged;
  if (first !== undefined && runs.length === 0) throw new UserError(first);
  return { runs, unfinished, damaged };
}

/**
 * Run folders at or under `path`, in the order of their names. Links to folders are followed.
 *
 * @param seen real paths of folders that were looked at: each is once
 */
export async function findRuns(path: string, seen = new Set<string>()): Promise<string[]> {
  let entries;
  try {
    const real = await realpath(path);
    if (seen.has(real)) return [];
    seen.add(real);
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new UserError(`${path}: no such folder; wanted one with runs, such as results/NAME`);
    }
    throw errorCode(error) === 'ENOTDIR' ? noFolder(path) : unreadable(path, error);
  }
  if (await isRunFolder(path, new Set(entries.map(({ name }) => name)))) return [path];
  const found: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inner = join(path, entry.name);
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(inner)));
    if (isFolder) found.push(...(await findRuns(inner, seen)));
  }
  return found;
}

/** Also where a file of a run that had begun is missing: the list of what fsam wrote tells. */
async function isRunFolder(path: string, names: ReadonlySet<string>): Promise<boolean> {
  const marks = ['config.yaml', 'environment.json'];
  if (marks.every((mark) => names.has(mark))) return true;
  if (!names.has('metrics.csv')) return false;
  const owned = await ownedFiles(path);
  return owned !== null && [...marks, 'metrics.csv'].every((name) => owned.has(name));
}

/** A link may lead nowhere. */
async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function readRun(path: string): Promise<Run> {
  const folder = runFolder(path);
  const summary = await readSummary(folder.summary);
  const config = configOf(folder);
  const epochs = await readEpochs(folder, config, summary.epochs);
  checkSummary(folder, summary.last.test_accuracy, epochs.at(-1)?.['test_accuracy']);
  const { rows } = await readTable(folder.timing, TIMING_TABLE, summary.epochs);
  // 0 where a process went on with an epoch whose steps were all done.
  const speed = rows.map((row) => Number(row['images_per_second'])).filter((value) => value > 0);
  return {
    folder: path,
    config,
    epochs,
    scores: {
      last: summary.last.test_accuracy,
      best: summary.best.test_accuracy,
      lastTen: summary.mean_test_accuracy_of_last_10,
    },
    bestValidation: summary.best.validation_accuracy ?? null,
    parameters: summary.parameters,
    seconds: summary.total_seconds,
    imagesPerSecond: harmonicMean(speed),
    environment: await readJson(folder.environment, z.record(z.string(), z.unknown())),
  };
}

/** Errors: UserError where the summary is of other rows. */
function checkSummary(folder: RunFolder, told: number, last: number | null | undefined): void {
  if (told === last) return;
  throw new UserError(
    `${folder.summary}: has a last test accuracy of ${told}, and ${folder.metrics} one of ${last}; ${RUN_ANEW}`,
  );
}

const harmonicMean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.length / values.reduce((sum, value) => sum + 1 / value, 0);

/** A run as far as it has come. */
export type Progressed = Pick<Run, 'folder' | 'config' | 'epochs'>;

/** Errors: UserError where `path` is not a run folder, or a file of it is damaged. */
export async function readProgress(path: string): Promise<Progressed> {
  const folders = await findRuns(path);
  if (folders[0] !== path) {
    throw new UserError(
      `${path}: is not a run folder; wanted one such as results/NAME/VARIANT/seed-1`,
    );
  }
  const folder = runFolder(path);
  const config = configOf(folder);
  return { folder: path, config, epochs: await readEpochs(folder, config, null) };
}

/** The first `count` rows of metrics.csv as numbers; null for all there are. */
async function readEpochs(
  folder: RunFolder,
  config: Config,
  count: number | null,
): Promise<Epoch[]> {
  const columns = metricsTable(config);
  const { rows } = await readTable(folder.metrics, columns, count);
  return rows.map((row) => {
    const numbers = Object.entries(row).map(([column, field]) => [
      column,
      field === '' ? null : Number(field),
    ]);
    return Object.fromEntries(numbers) as Epoch;
  });
}
