// A run folder: where it lies, what stands in it, and what of it is ours to remove.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hasNamedLabels } from '../catalogue/data-sets.js';
import { ABSENT } from '../catalogue/identity.js';
import { variantName } from '../catalogue/variant.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../catalogue/schema.js';
import { hasLabelNoise } from '../data/label-noise.js';
import { targetOfTemporary } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { unwritable } from '../util/file-errors.js';
import { listFolder, makeFolders, removeEmptyFolders } from '../util/folders.js';
import { acquireLock, refuseLocked, type Lock } from '../util/lock.js';
import {
  claimFiles,
  disownFiles,
  OWNED_LIST,
  ownedFiles,
  refuseStrangers,
  removeFiles,
} from '../util/owned-files.js';
import { findEnvironment } from './environment.js';

/** The folder, and the files that a run writes into it. */
export interface RunFolder {
  readonly path: string;
  readonly config: string;
  readonly metrics: string;
  readonly timing: string;
  /** A folder; only where the configuration asks for it. */
  readonly tensorboard: string;
  /** Only where there is label noise. */
  readonly labelNoise: string;
  /** Only where the classes of the data have names. */
  readonly classes: string;
  /** Only where pictures that cannot be read are skipped. */
  readonly skipped: string;
  /** Only where steps are probed. */
  readonly probes: string;
  readonly environment: string;
  readonly summary: string;
  readonly checkpoints: string;
  /** The best epoch's checkpoint; only where the configuration asks for it. */
  readonly best: string;
  /** A folder: what `fsam analyze` found of the run. */
  readonly analysis: string;
  readonly lock: string;
}

const CHECKPOINT_NAME = /^step-\d{8,}\.safetensors$/;
const LOCK_NAME = '.fsam-lock';
export const ANALYSIS_LOCK_NAME = '.fsam-analysis-lock';
const KEPT_CHECKPOINTS = 2;
/** What TensorBoard reads: earlier versions had no ending of their own. */
const EVENT_FILE = /^events\.out\.tfevents\./;
const OUR_EVENT_FILE = /^events\.out\.tfevents\..*\.fsam$/;

export function runFolder(path: string): RunFolder {
  return {
    path,
    config: join(path, 'config.yaml'),
    metrics: join(path, 'metrics.csv'),
    timing: join(path, 'timing.csv'),
    tensorboard: join(path, 'tensorboard'),
    labelNoise: join(path, 'label-noise.csv'),
    classes: join(path, 'classes.txt'),
    skipped: join(path, 'skipped.csv'),
    probes: join(path, 'probes.csv'),
    environment: join(path, 'environment.json'),
    summary: join(path, 'summary.json'),
    checkpoints: join(path, 'checkpoints'),
    best: join(path, 'best.safetensors'),
    analysis: join(path, 'analysis'),
    lock: join(path, LOCK_NAME),
  };
}

/** results/NAME/VARIANT/seed-N, from the working folder. */
export function defaultFolder(config: Config): string {
  return join('results', config.name, variantName(config), `seed-${config.seed}`);
}

export function checkpointPath(folder: RunFolder, step: number): string {
  return join(folder.checkpoints, `step-${String(step).padStart(8, '0')}.safetensors`);
}

/** Paths of the checkpoints, the newest first. */
export async function listCheckpoints(folder: RunFolder): Promise<string[]> {
  const names = (await listFolder(folder.checkpoints)) ?? [];
  return names
    .filter((name) => CHECKPOINT_NAME.test(name))
    .sort((a, b) => stepOf(b) - stepOf(a))
    .map((name) => join(folder.checkpoints, name));
}

/** The steps after which a checkpoint was saved. */
const stepOf = (checkpoint: string): number => Number(/\d+/.exec(basename(checkpoint))?.[0]);

/** @param stays whether the checkpoint after so many steps does */
export async function removeOldCheckpoints(
  folder: RunFolder,
  stays: (steps: number) => boolean,
): Promise<void> {
  const old = (await listCheckpoints(folder)).slice(KEPT_CHECKPOINTS);
  for (const path of old.filter((one) => !stays(stepOf(one)))) await remove(path);
}

/** Removes the checkpoint of the best epoch, if it is ours. Errors: UserError where it cannot be. */
export async function removeBest(folder: RunFolder): Promise<void> {
  const name = basename(folder.best);
  if ((await ownedIn(folder)).has(name)) await removeFiles(folder.path, [name]);
}

export type FolderState =
  /** No run has begun here; files that are not ours may be here. */
  | { readonly kind: 'empty' }
  /** `checkpoint`: path of the newest. */
  | { readonly kind: 'run'; readonly finished: boolean; readonly checkpoint: string | null };

/**
 * Looks, and writes nothing.
 *
 * Errors: UserError where the folder cannot be looked at, or files that are not ours have the names
 * of ours.
 */
export async function inspectFolder(folder: RunFolder): Promise<FolderState> {
  const names = await listFolder(folder.path);
  if (names === null) return { kind: 'empty' };
  const checkpoints = await listCheckpoints(folder);
  const paths = [folder.environment, folder.config, folder.metrics, folder.timing, folder.summary];
  const files = paths.map((path) => basename(path));
  const kept = checkpoints.length > 0 ? [basename(folder.checkpoints)] : [];
  await refuseStrangers(folder.path, [...files, ...kept], await ownedIn(folder));
  // environment.json is the first file that a run writes, and is never removed.
  const present = files.filter((name) => names.includes(name));
  if (present.length + kept.length <= 1) return { kind: 'empty' };
  const finished = present.includes(basename(folder.summary));
  return { kind: 'run', finished, checkpoint: checkpoints[0] ?? null };
}

/**
 * Errors: UserError that names what is in the folder under a name that a run may write, and is not of
 * a run.
 *
 * @param config of the run; left out: of any
 */
export async function refuseOthersFiles(folder: RunFolder, config?: Config): Promise<void> {
  const { checkpoints, path } = folder;
  const holdsSome = (await listCheckpoints(folder)).length > 0;
  const isMeant =
    config === undefined ? always : (isWritten: (of: Config) => boolean) => isWritten(config);
  const names = namesOf(folder, isMeant).filter(
    (name) => name !== basename(checkpoints) || holdsSome,
  );
  await refuseStrangers(path, names, await ownedIn(folder));
}

/** What a run of `config` writes is ours from now on. Errors: as of `claimFiles`. */
export async function claimFolder(folder: RunFolder, config: Config): Promise<void> {
  const written = namesOf(folder, (isWritten) => isWritten(config));
  const owned = await ownedIn(folder);
  // A folder `checkpoints` with other things in it takes ours as well.
  const holdsSome = (await listCheckpoints(folder)).length > 0;
  const takes = holdsSome ? [] : [basename(folder.checkpoints)];
  await claimFiles(folder.path, written, new Set([...owned, ...takes]));
}

const always = (): boolean => true;

/** What a run writes, and whether a run of such a configuration does. */
const WRITTEN: Readonly<
  Record<Exclude<keyof RunFolder, 'path' | 'lock' | 'analysis'>, (of: Config) => boolean>
> = {
  environment: always,
  config: always,
  metrics: always,
  timing: always,
  summary: always,
  checkpoints: always,
  labelNoise: ({ labelNoise }) => hasLabelNoise(labelNoise),
  classes: ({ data }) => hasNamedLabels(data),
  skipped: ({ data }) => data.onCorrupt === 'skip',
  probes: ({ probes }) => probes.every !== null,
  tensorboard: ({ logging }) => logging.tensorboard,
  best: ({ checkpoint }) => checkpoint.keepBest,
};

/** Names of what runs write, those for which `isMeant` is true of their row. */
const namesOf = (folder: RunFolder, isMeant: (row: (of: Config) => boolean) => boolean = always) =>
  Object.entries(WRITTEN)
    .filter(([, row]) => isMeant(row))
    .map(([file]) => basename(folder[file as keyof typeof WRITTEN]));

/** Paths of what only some runs write. */
const occasional = (folder: RunFolder): string[] =>
  Object.entries(WRITTEN)
    .filter(([, row]) => row !== always)
    .map(([file]) => folder[file as keyof typeof WRITTEN]);

/** The names of what is ours in the folder. */
async function ownedIn(folder: RunFolder): Promise<ReadonlySet<string>> {
  const listed = (await ownedFiles(folder.path)) ?? new Set<string>();
  if (listed.has(basename(folder.environment))) {
    // The lists of earlier versions lacked the characters of a text, which were written all the same.
    const name = basename(folder.classes);
    const isLacking = !listed.has(name) && existsSync(folder.classes);
    const config = isLacking && listed.has(basename(folder.config)) ? configIfAny(folder) : null;
    return config !== null && WRITTEN.classes(config) ? new Set([...listed, name]) : listed;
  }
  if ((await findEnvironment(folder.environment)) === null) return listed;
  // Earlier versions kept no list; their configuration tells what they wrote.
  const config = configIfAny(folder);
  const written = namesOf(folder, (isWritten) =>
    config === null ? isWritten === always : isWritten(config),
  );
  return new Set([...listed, ...written]);
}

/** Null where it is missing or is not of this version. */
function configIfAny(folder: RunFolder): Config | null {
  try {
    return configOf(folder);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * Keys that the run's version did not have are as they were then. Errors: UserError where config.yaml
 * is missing or is not a configuration of this version.
 */
export function configOf(folder: RunFolder): Config {
  const anew = 'start the run anew with fsam train --overwrite, or name another folder';
  const wayOut = `use the version of fsam that wrote it, ${anew}`;
  if (!existsSync(folder.config)) {
    throw new UserError(`${folder.config}: is missing from this run folder; ${anew}`);
  }
  try {
    const written = { config: folder.config, assignments: [], overrides: {} };
    return loadConfig({ ...written, beneath: ABSENT });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const [first] = error.message.split('\n');
    throw new UserError(`${first ?? folder.config} (in a run folder: ${wayOut})`);
  }
}

/**
 * Takes the folder for this process and creates it where needed. On release, what was created is
 * removed again if nothing was written into it.
 *
 * Errors: UserError where the folder cannot be created or another process is at work in it.
 */
export async function lockFolder(folder: RunFolder): Promise<Lock> {
  const made = await makeFolders(folder.path);
  try {
    const lock = await acquireLock(folder.lock);
    return {
      ...lock,
      release: async () => {
        await lock.release();
        await removeEmptyFolders(made);
      },
    };
  } catch (error) {
    await removeEmptyFolders(made);
    throw error;
  }
}

/**
 * Removes what a run wrote, and nothing else; environment.json stays, as the mark of a run folder.
 */
export async function clearFolder(folder: RunFolder): Promise<void> {
  const owned = await ownedIn(folder);
  const { summary, metrics, timing, tensorboard, config } = folder;
  if (owned.has(basename(summary))) await remove(summary);
  if (owned.has(basename(folder.checkpoints))) {
    for (const path of await listCheckpoints(folder)) await remove(path);
  }
  await clearCurves(folder);
  await clearAnalysis(folder);
  // The folder of curves may hold what others wrote.
  const files = [metrics, timing, ...occasional(folder), config].filter(
    (path) => path !== tensorboard && owned.has(basename(path)),
  );
  for (const path of files) await remove(path);
  const gone = occasional(folder).filter((path) => !existsSync(path));
  await disownFiles(
    folder.path,
    gone.map((path) => basename(path)),
  );
}

/** Removes what was found of the run that goes, and the folder if nothing else is in it. */
async function clearAnalysis({ analysis }: RunFolder): Promise<void> {
  const owned = await ownedFiles(analysis);
  if (owned === null) return;
  await refuseLocked(join(analysis, ANALYSIS_LOCK_NAME));
  for (const name of owned) await remove(join(analysis, name));
  await remove(join(analysis, OWNED_LIST));
  await removeEmptyFolders([analysis]);
}

/** Removes the TensorBoard files that a run wrote, and their folder if nothing else is in it. */
export async function clearCurves(folder: RunFolder): Promise<void> {
  const name = basename(folder.tensorboard);
  if (!(await ownedIn(folder)).has(name)) return;
  const isListed = (await ownedFiles(folder.path))?.has(name) === true;
  const ours = isListed ? OUR_EVENT_FILE : EVENT_FILE;
  const files = ((await listFolder(folder.tensorboard)) ?? []).filter((file) => ours.test(file));
  for (const file of files) await remove(join(folder.tensorboard, file));
  await removeEmptyFolders([folder.tensorboard]);
}

/**
 * Removes the temporary files of a process that was killed: those of the files that only who holds
 * the folder's lock writes. Only for who holds it.
 */
export async function removeTemporaries(folder: RunFolder): Promise<void> {
  const owned = new Set([...namesOf(folder), basename(folder.lock)]);
  for (const parent of [folder.path, folder.checkpoints]) {
    const names = (await listFolder(parent)) ?? [];
    for (const name of names) {
      const target = targetOfTemporary(name);
      const isLeft = target !== null && (owned.has(target) || CHECKPOINT_NAME.test(target));
      if (isLeft || name.startsWith(`${LOCK_NAME}-`)) await remove(join(parent, name));
    }
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true, recursive: true });
  } catch (error) {
    throw unwritable(path, error);
  }
}
