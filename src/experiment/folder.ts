// A run folder: where it lies, what stands in it, and what of it is ours to remove.
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ABSENT } from '../catalogue/identity.js';
import { variantName } from '../catalogue/variant.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { targetOfTemporary } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { errorCode, unreadable, unwritable } from '../util/file-errors.js';
import { makeFolders, removeEmptyFolders } from '../util/folders.js';
import { acquireLock, type Lock } from '../util/lock.js';

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
  readonly environment: string;
  readonly summary: string;
  readonly checkpoints: string;
  readonly lock: string;
}

const CHECKPOINT_NAME = /^step-\d{8,}\.safetensors$/;
const LOCK_NAME = '.fsam-lock';
const KEPT_CHECKPOINTS = 2;

export function runFolder(path: string): RunFolder {
  return {
    path,
    config: join(path, 'config.yaml'),
    metrics: join(path, 'metrics.csv'),
    timing: join(path, 'timing.csv'),
    tensorboard: join(path, 'tensorboard'),
    labelNoise: join(path, 'label-noise.csv'),
    environment: join(path, 'environment.json'),
    summary: join(path, 'summary.json'),
    checkpoints: join(path, 'checkpoints'),
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
  const steps = (name: string) => Number(/\d+/.exec(name)?.[0]);
  return names
    .filter((name) => CHECKPOINT_NAME.test(name))
    .sort((a, b) => steps(b) - steps(a))
    .map((name) => join(folder.checkpoints, name));
}

export async function removeOldCheckpoints(folder: RunFolder): Promise<void> {
  const old = (await listCheckpoints(folder)).slice(KEPT_CHECKPOINTS);
  for (const path of old) await remove(path);
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
  const files = [folder.environment, folder.config, folder.metrics, folder.timing, folder.summary];
  const checkpoints = await listCheckpoints(folder);
  const present = files.filter((path) => names.includes(basename(path))).concat(checkpoints);
  const first = present[0];
  if (first === undefined) return { kind: 'empty' };
  // environment.json is the first file that a run writes, and is never removed.
  if (!(await isOfRun(folder.environment))) {
    throw new UserError(
      `${first}: is not from a run of fsam, wanted an empty folder or a run folder; name another folder with --out`,
    );
  }
  if (present.length === 1) return { kind: 'empty' };
  const finished = present.includes(folder.summary);
  return { kind: 'run', finished, checkpoint: checkpoints[0] ?? null };
}

async function isOfRun(environment: string): Promise<boolean> {
  try {
    const content: unknown = JSON.parse(await readFile(environment, 'utf8'));
    return typeof content === 'object' && content !== null && 'fsam' in content;
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return false;
    throw unreadable(environment, error);
  }
}

/**
 * Keys that the run's version did not have are as they were then. Errors: UserError where config.yaml
 * is missing or is not a configuration of this version.
 */
export function configOf(folder: RunFolder): Config {
  const wayOut = 'start anew with --overwrite, or name another folder with --out';
  if (!existsSync(folder.config)) {
    throw new UserError(`${folder.config}: is missing from this run folder; ${wayOut}`);
  }
  try {
    const written = { config: folder.config, assignments: [], overrides: {} };
    return loadConfig({ ...written, beneath: ABSENT });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const [first] = error.message.split('\n');
    throw new UserError(`${first ?? folder.config} (in a run folder; ${wayOut})`);
  }
}

interface OpenRun {
  readonly config: Config;
  /** Its path. */
  readonly checkpoint: string;
}

/**
 * The run in the folder `path`, to evaluate `checkpoint`, or its newest one where that is null.
 *
 * Errors: UserError where there is no run, or it has no checkpoint.
 */
export async function openRun(path: string, checkpoint: string | null): Promise<OpenRun> {
  const folder = runFolder(path);
  const state = await inspectFolder(folder);
  if (state.kind === 'empty') {
    const there = (await listFolder(path)) !== null;
    const problem = there ? 'holds no run' : 'there is no such folder';
    throw new UserError(
      `${path}: ${problem}; wanted a run folder such as results/NAME/VARIANT/seed-1`,
    );
  }
  const chosen = checkpoint ?? state.checkpoint;
  if (chosen === null) {
    throw new UserError(
      `${folder.checkpoints}: holds no checkpoint yet; wait for one, or go on with --resume`,
    );
  }
  return { config: configOf(folder), checkpoint: chosen };
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
  await remove(folder.summary);
  for (const path of await listCheckpoints(folder)) await remove(path);
  const files = [folder.metrics, folder.timing, folder.labelNoise, folder.config];
  for (const path of [...files, folder.tensorboard]) await remove(path);
}

/**
 * Removes the temporary files of a process that was killed: those of the files that only who holds
 * the folder's lock writes. Only for who holds it.
 */
export async function removeTemporaries(folder: RunFolder): Promise<void> {
  const { config, metrics, timing, labelNoise, environment, summary, lock } = folder;
  const files = [config, metrics, timing, labelNoise, environment, summary, lock];
  const owned = new Set(files.map((path) => basename(path)));
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

/** Null where there is no such folder. */
async function listFolder(path: string): Promise<string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw errorCode(error) === 'ENOTDIR'
      ? new UserError(`${path}: is a file, wanted a folder; name another with --out`)
      : unreadable(path, error);
  }
}
