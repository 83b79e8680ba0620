// How far the points of a sweep have come, as their folders tell.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../catalogue/schema.js';
import { refuseOther } from '../experiment/decision.js';
import { inspectFolder, runFolder } from '../experiment/folder.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { errorCode, unreadable } from '../util/file-errors.js';
import { makeFolders } from '../util/folders.js';
import { parseJson } from '../util/json.js';
import { refuseLocked } from '../util/lock.js';
import { refuseStrangers } from '../util/owned-files.js';
import type { Point } from './points.js';

export type PointState =
  | { readonly kind: 'new' }
  | { readonly kind: 'done' }
  /** Epochs done, whole ones. */
  | { readonly kind: 'unfinished'; readonly epochs: number }
  /** A process is at work in its folder. */
  | { readonly kind: 'running'; readonly epochs: number }
  /** The last attempt; the next one goes on from `epochs`. */
  | { readonly kind: 'failed'; readonly reason: string; readonly epochs: number }
  /** It cannot run as it is: no valid configuration, or a folder that holds another run. */
  | { readonly kind: 'invalid'; readonly reason: string };

const failureSchema = z.strictObject({ reason: z.string(), exitCode: z.int(), time: z.string() });

const FAILURE = 'failure.json';
const failurePath = (folder: string): string => join(folder, FAILURE);

/** Looks, and writes nothing. `folder`: that of the point. */
export async function stateOf(point: Point, folder: string): Promise<PointState> {
  if ('mistakes' in point.config) return { kind: 'invalid', reason: point.config.mistakes };
  try {
    return await stateIn(folder, point.config);
  } catch (error) {
    // A folder that is not to be touched is one point's trouble, and no other's.
    if (error instanceof UserError) return { kind: 'invalid', reason: error.message };
    throw error;
  }
}

async function stateIn(folder: string, config: Config): Promise<PointState> {
  const run = runFolder(folder);
  const found = await inspectFolder(run);
  const failure = await readFailure(folder);
  if (found.kind === 'run') {
    refuseOther(run, config, 'a run');
    if (found.finished) return { kind: 'done' };
  }
  const epochs = await rowsOf(run.metrics);
  if (await isHeld(run.lock)) return { kind: 'running', epochs };
  if (failure !== null) return { kind: 'failed', reason: failure, epochs };
  return found.kind === 'run' ? { kind: 'unfinished', epochs } : { kind: 'new' };
}

/** Notes why the run in `folder` stopped, beside its files. */
export async function writeFailure(
  folder: string,
  reason: string,
  exitCode: number,
): Promise<void> {
  await makeFolders(folder);
  await refuseStrangers(folder, [FAILURE], new Set((await isFailure(folder)) ? [FAILURE] : []));
  const failure = { reason, exitCode, time: new Date().toISOString() };
  await writeFileAtomically(failurePath(folder), `${JSON.stringify(failure, null, 2)}\n`);
}

export async function clearFailure(folder: string): Promise<void> {
  if (await isFailure(folder)) await rm(failurePath(folder), { force: true });
}

async function readFailure(folder: string): Promise<string | null> {
  const failure = await parseFailure(folder);
  return failure === 'damaged' ? `${failurePath(folder)} is damaged` : (failure?.reason ?? null);
}

/** Ours is told by its content: it may stand where no run has begun. */
async function isFailure(folder: string): Promise<boolean> {
  const failure = await parseFailure(folder);
  return failure !== null && failure !== 'damaged';
}

async function parseFailure(
  folder: string,
): Promise<z.infer<typeof failureSchema> | 'damaged' | null> {
  const path = failurePath(folder);
  try {
    return failureSchema.parse(parseJson(await readFile(path, 'utf8')));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    if (errorCode(error) !== undefined) throw unreadable(path, error);
    return 'damaged';
  }
}

/** Of a table that a run may be writing: it is whole at every moment. */
async function rowsOf(metrics: string): Promise<number> {
  try {
    const lines = (await readFile(metrics, 'utf8')).split('\n').filter((line) => line !== '');
    return Math.max(0, lines.length - 1);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    throw unreadable(metrics, error);
  }
}

async function isHeld(lock: string): Promise<boolean> {
  try {
    await refuseLocked(lock);
    return false;
  } catch (error) {
    if (error instanceof UserError) return true;
    throw error;
  }
}
