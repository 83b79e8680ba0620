// Reading and keeping data files, with the operating system's failures told in the user's terms.
import { open, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { UserError } from '../util/errors.js';
import { errorCode, messageOf, unreadable } from '../util/file-errors.js';

const gunzipAsync = promisify(gunzip);

/**
 * What stands at `path`; `missing` also when a parent is no folder. Errors: UserError when it may
 * not be looked at.
 */
export async function kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    throw unreadable(path, error);
  }
}

/** The whole file. Errors: UserError when it is missing or cannot be read. */
export async function readDataFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * The whole file, unpacked when its name ends in .gz. Errors: UserError when it cannot be read or
 * is not gzip data.
 */
export async function readMaybeGzipped(path: string): Promise<Buffer> {
  const bytes = await readDataFile(path);
  if (!path.endsWith('.gz')) return bytes;
  try {
    return await gunzipAsync(bytes);
  } catch (error) {
    throw notGzip(path, error);
  }
}

/** Waits until the file or folder at `path` is on the disk itself. */
export async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What to tell the user about compressed data that zlib does not take. */
export function notGzip(path: string, error: unknown): UserError {
  if (errorCode(error) === 'Z_BUF_ERROR') {
    return new UserError(
      `${path}: the gzip data ends too early: the file was cut short; get it again`,
    );
  }
  return new UserError(
    `${path}: is not intact gzip data (${messageOf(error)}); get the file again`,
  );
}
