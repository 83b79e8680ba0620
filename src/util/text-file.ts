// Reading text files, with the operating system's failures told in the user's terms.
import { readFile } from 'node:fs/promises';
import { errorCode, unreadable } from './file-errors.js';

/** The file at `path`. Errors: UserError where it is missing or cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The file at `path`; null where there is none. Errors: UserError where it cannot be read. */
export async function readTextIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
}
