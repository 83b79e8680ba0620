// Finds run folders and reads what their runs came to.
import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../catalogue/schema.js';
import { bestOf, taskNameOf, taskOf } from '../catalogue/task.js';
import { deviceUsed } from '../experiment/device-used.js';
import { configOf, runFolder, type RunFolder } from '../experiment/folder.js';
import { metricsTable } from '../experiment/metrics.js';
import { readJson, readSummary, RUN_ANEW, type Summary } from '../experiment/summary.js';
import { readTable } from '../experiment/table.js';
import { speedColumn, timingTable } from '../experiment/timing.js';
import { workersUsed } from '../experiment/workers-used.js';
import { InternalError, required, UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { noFolder } from '../util/folders.js';
import { ownedFiles } from '../util/owned-files.js';
import { readAnalyses, type Analyses } from './analyses.js';

/** A row of metrics.csv; null where a field is empty. */
export type Epoch = Readonly<Record<string, number | null>>;

/** Of a column that every run like this one has; null where the field is empty. */
export function numberAt(epoch: Epoch, column: string): number | null {
  const value = epoch[column];
  if (value === undefined) throw new InternalError(`such a run has no column ${column}`);
  return value;
}

/** The same after the last epoch. */
export const lastNumber = (epochs: readonly Epoch[], column: string): number | null =>
  numberAt(required(epochs.at(-1), 'the last epoch'), column);

export interface Run extends Omit<Summary, 'epochs'> {
  readonly folder: string;
  readonly config: Config;
  readonly epochs: readonly Epoch[];
  /** Over all epochs. */
  readonly imagesPerSecond: number;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly analyses: Analyses;
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
 * Errors: UserError where there is no such folder, no run in it, every run is damaged, or runs are of
 * unlike tasks.
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
  refuseUnlikeTasks(runs);
  return { runs, unfinished, damaged };
}

/** Errors: UserError where one is of another task than the first, so that no number compares. */
export function refuseUnlikeTasks(runs: readonly Pick<Run, 'folder' | 'config'>[]): void {
  const [first] = runs;
  if (first === undefined) return;
  const task: string = taskNameOf(first.config);
  for (const { folder, config } of runs) {
    const other: string = taskNameOf(config);
    if (other === task) continue;
    throw new UserError(
      `${folder}: is a run of the task ${other}, wanted ${task} as in ${first.folder}; name runs of one task`,
    );
  }
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
  const config = configOf(folder);
  const task = taskOf(config);
  const { epochs: count, ...summary } = await readSummary(folder.summary, config);
  const epochs = await readEpochs(folder, config, count);
  checkSummary(folder, config, summary, epochs);
  const { rows } = await readTable(folder.timing, timingTable(task), count);
  // 0 where a process went on with an epoch whose steps were all done.
  const speed = rows.map((row) => Number(row[speedColumn(task)])).filter((value) => value > 0);
  return {
    folder: path,
    config,
    epochs,
    ...summary,
    imagesPerSecond: harmonicMean(speed),
    analyses: await readAnalyses(path, {
      examples: task.examples,
      lastStep: lastNumber(epochs, 'step'),
    }),
    environment: await readEnvironment(folder),
  };
}

/** Errors: UserError where the summary is of other rows. */
function checkSummary(
  folder: RunFolder,
  config: Config,
  { scores: { last: told } }: Pick<Summary, 'scores'>,
  epochs: readonly Epoch[],
): void {
  const { test } = bestOf(config);
  const last = lastNumber(epochs, test.column);
  if (told === last) return;
  throw new UserError(
    `${folder.summary}: has a last ${test.name} of ${told}, and ${folder.metrics} one of ${last}; ${RUN_ANEW}`,
  );
}

const harmonicMean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.length / values.reduce((sum, value) => sum + 1 / value, 0);

/** A run as far as it has come. */
export type Progressed = Pick<Run, 'folder' | 'config' | 'epochs' | 'environment'>;

/** What the numbers of a run depend on beside its configuration, by name. */
export const usedBy = ({ environment }: Pick<Run, 'environment'>): [string, string | null][] => [
  ['device', deviceUsed(environment)],
  ['workers', workersUsed(environment)],
];

const readEnvironment = (folder: RunFolder): Promise<Run['environment']> =>
  readJson(folder.environment, z.record(z.string(), z.unknown()));

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
  return {
    ...{ folder: path, config },
    epochs: await readEpochs(folder, config, null),
    environment: existsSync(folder.environment) ? await readEnvironment(folder) : {},
  };
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
