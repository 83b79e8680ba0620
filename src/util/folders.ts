// Making folders, looking into them, and taking them away again.
import { mkdir, readdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from './errors.js';
import { errorCode, unreadable, unwritable } from './file-errors.js';

/**
 * Makes the folder at `path` and those above it, where they are missing. Returns the paths of those
 * it made, the deepest first.
 *
 * Node's own `recursive` option never returns where the system answers "no such file" for a folder
 * that is there, as under /proc.
 *
 * Errors: UserError where a folder cannot be made.
 */
export async function makeFolders(path: string): Promise<string[]> {
  const missing: string[] = [];
  let above = resolve(path);
  while (!(await exists(above))) {
    missing.push(above);
    above = dirname(above);
  }
  for (const folder of missing.toReversed()) {
    try {
      await mkdir(folder);
    } catch (error) {
      // Another process was as quick.
      if (errorCode(error) !== 'EEXIST') throw unwritable(path, error);
    }
  }
  return missing;
}

/** Removes the folders in the order given, as far as they are empty. */
export async function removeEmptyFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await rmdir(path);
    } catch {
      return;
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw unwritable(path, error);
  }
}

/**
 * Names of what is in the folder at `path`; null where there is no such folder. Errors: UserError where
 * it is a file, or cannot be read.
 */
export async function listFolder(path: string): Promise<string[] | null> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw errorCode(error) === 'ENOTDIR' ? noFolder(path) : unreadable(path, error);
  }
}

/** What to tell of a file at `path` where a folder was wanted. */
export const noFolder = (path: string): UserError =>
  new UserError(`${path}: is a file, wanted a folder`);
