// Reading and keeping data files, with the operating system's failures told in the user's terms.
import { closeSync, openSync, readSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { UserError } from '../util/errors.js';
import { errorCode, messageOf, refuseUnlessRegular, unreadable } from '../util/file-errors.js';

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
    refuseUnlessRegular(path, await stat(path));
    return await readFile(path);
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(path, error);
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
  const told = otherKind(path);
  if (told !== null) return new UserError(`${path}: ${told}`);
  return new UserError(
    `${path}: is not intact gzip data (${messageOf(error)}); get the file again`,
  );
}

/** What the first bytes of a file tell of it. */
const KINDS: readonly (readonly [beginning: string, told: string])[] = [
  ['425a68', 'is bzip2 data, wanted gzip or none; unpack it with bunzip2'],
  ['fd377a585a00', 'is xz data, wanted gzip or none; unpack it with unxz'],
  ['28b52ffd', 'is Zstandard data, wanted gzip or none; unpack it with unzstd'],
  ['504b0304', 'is a zip archive, wanted gzip or none; unpack it with unzip'],
  // As a browser leaves it that unpacks what it fetches.
  ['000008', 'is an IDX file that is not packed; take the .gz off its name'],
];

/** Null for gzip data, and where the first bytes do not tell. */
function otherKind(path: string): string | null {
  const beginning = Buffer.alloc(6);
  const file = openSync(path, 'r');
  try {
    readSync(file, beginning);
  } finally {
    closeSync(file);
  }
  const kind = KINDS.find(([bytes]) => beginning.toString('hex').startsWith(bytes));
  return kind?.[1] ?? null;
}
