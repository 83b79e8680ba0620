// Files that are written whole or not at all, whenever the process or the machine stops.
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unwritable } from './file-errors.js';

/**
 * Names of the temporary files that `writeFileAtomically` leaves behind when the process is killed
 * in the middle of it. They stand beside the file.
 */
export const TEMPORARY_NAME = /^\..+\.\d+\.tmp$/;

/**
 * Writes the file at `path` through `write`, under a temporary name first, and puts it in place of
 * the old one when it is safely on the disk.
 *
 * Errors: UserError when it cannot be written; the old file is untouched then.
 */
export async function writeFileAtomically(
  path: string,
  write: string | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, 'w');
    try {
      await (typeof write === 'string' ? file.writeFile(write) : write(file));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw isSystemError(error) ? unwritable(path, error) : error;
  }
}

/** Waits until the names in the folder at `path` are on the disk itself. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
