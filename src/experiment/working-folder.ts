// The folder that a run's relative paths are relative to: the one where it began, wherever it goes on or
// is evaluated.
import { existsSync } from 'node:fs';
import { relativePaths } from '../config/paths.js';
import type { Config } from '../catalogue/schema.js';
import { LOOKED_FOR } from '../data/load.js';
import { readEnvironment, sittingsOf } from './environment.js';
import { inspectFolder, type RunFolder } from './folder.js';

export interface WorkingFolder {
  readonly path: string;
  /** Where the run or the sweep began, if that is not there any more, so that `path` is where this process works. */
  readonly gone: string | null;
}

/** For a run that begins. */
export const workHere = (): WorkingFolder => ({ path: process.cwd(), gone: null });

/** `recorded` as far as it is there; null: an earlier version did not record it. */
export function recordedFolder(recorded: string | null): WorkingFolder {
  if (recorded === null) return workHere();
  return existsSync(recorded) ? { path: recorded, gone: null } : { ...workHere(), gone: recorded };
}

/** Of the run in `folder`, or of one that begins there. Errors: as of `inspectFolder`. */
export async function workingFolderOf(folder: RunFolder): Promise<WorkingFolder> {
  const { kind } = await inspectFolder(folder);
  if (kind === 'empty' || !existsSync(folder.environment)) return workHere();
  const sittings = sittingsOf(await readEnvironment(folder.environment));
  // Only where the project was moved are they different ones.
  const last = sittings.at(-1)?.['workingFolder'] ?? sittings[0]['workingFolder'];
  return recordedFolder(typeof last === 'string' ? last : null);
}

/** A line on the paths that are read from here although the run began elsewhere; null where none is. */
export function noteOnGone({ gone }: WorkingFolder, config: Config): string | null {
  if (gone === null) return null;
  const paths = new Map(relativePaths(config));
  if (!Object.hasOwn(LOOKED_FOR, config.data.name)) paths.delete('data.directory');
  const shown = [...paths].map(([key, path]) => `${key} ${path}`).join(', ');
  if (shown === '') return null;
  return `${gone}, where this began, is not there any more: reading from the folder you are in: ${shown}`;
}
