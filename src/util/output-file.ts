// A file that the user names for output: one of somebody else's is never written over.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from './errors.js';
import { errorCode, unreadable, unwritable } from './file-errors.js';
import { readText } from './text-file.js';

/** No output of ours comes near it. */
const LARGEST_BYTES = 100_000_000;

/**
 * As `refuseUnlessOurs`, of a JSON file.
 *
 * @param keys of every object that the command writes
 */
export const refuseOthersFile = (
  flag: string,
  path: string,
  keys: readonly string[],
): Promise<void> => refuseUnlessOurs(flag, path, (size) => holds(path, size, keys));

/**
 * Looks, and writes nothing: for before the work whose outcome goes to `path` begins. An empty file
 * is anybody's, as mktemp leaves it.
 *
 * Errors: UserError where something is at `path` that is not what the same command wrote earlier, or
 * no file can be made there.
 *
 * @param flag that named the file
 * @param isOurs whether a file of `size` bytes there is one
 */
export async function refuseUnlessOurs(
  flag: string,
  path: string,
  isOurs: (size: number) => Promise<boolean>,
): Promise<void> {
  if (path === '') throw new UserError(`${flag}: got an empty name, wanted a file`);
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw errorCode(error) === 'ENOTDIR' ? unwritable(path, error) : unreadable(path, error);
  });
  if (found !== null && !found.isFile()) {
    throw new UserError(
      `${flag} ${path}: is not a regular file; name one, or a name that is still free`,
    );
  }
  if (found !== null && found.size > 0 && !(await isOurs(found.size))) {
    throw new UserError(
      `${flag} ${path}: is not from the same command, which would write over it; move it away, or name another file`,
    );
  }
  await refuseUnwritable(path);
}

async function holds(path: string, size: number, keys: readonly string[]): Promise<boolean> {
  if (size > LARGEST_BYTES) return false;
  const text = await readText(path);
  try {
    const content: unknown = JSON.parse(text);
    return (
      typeof content === 'object' &&
      content !== null &&
      keys.every((key) => Object.hasOwn(content, key))
    );
  } catch {
    return false;
  }
}

async function refuseUnwritable(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw unwritable(path, error);
    throw new UserError(`${path}: there is no folder ${folder}; make it, or name another file`);
  }
}
