// Files that are written whole or not at all, whenever the process or the machine stops.
import { randomBytes } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { unwritable } from './file-errors.js';

/**
 * A free name beside the file at `path`, for its content while it is not finished. Process numbers
 * alone are not enough: containers share folders.
 */
export function temporaryPath(path: string): string {
  const mark = `${process.pid}-${randomBytes(4).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.${mark}.tmp`);
}

/** The name of the file that the one called `name` was to become; null where it is no such. */
export function targetOfTemporary(name: string): string | null {
  return /^\.(.+)\.\d+(-[\da-f]+)?\.tmp$/.exec(name)?.[1] ?? null;
}

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
  const temporary = temporaryPath(path);
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
