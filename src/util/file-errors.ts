// The operating system's failures at reading and writing files, told in the user's terms.
import type { Stats } from 'node:fs';
import { UserError } from './errors.js';

/** What to tell the user about a failed look at or read of `path`. */
export function unreadable(path: string, error: unknown): UserError {
  switch (errorCode(error)) {
    case 'ENOENT':
      return new UserError(`${path}: there is no such file`);
    case 'EACCES':
    case 'EPERM':
      return new UserError(`${path}: cannot be read, permission denied; change its permissions`);
    case 'EISDIR':
      return new UserError(`${path}: is a folder; wanted a file`);
    default:
      return new UserError(`${path}: cannot be read (${messageOf(error)})`);
  }
}

/**
 * Errors: UserError where `path`, at which `found` is, is a pipe, a device or a socket: it can be read once at most, and
 * may have nobody who writes into it.
 */
export function refuseUnlessRegular(path: string, found: Stats): void {
  if (found.isFile() || found.isDirectory()) return;
  const kind = found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : 'a device';
  throw new UserError(
    `${path}: is ${kind}, which cannot be read more than once; wanted a file: write its content into one`,
  );
}

/** What to tell the user about a failed write of `path`. */
export function unwritable(path: string, error: unknown): UserError {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new UserError(`${path}: no space left on its disk; make room and run again`);
    case 'EACCES':
    case 'EPERM':
      return new UserError(`${path}: cannot be written, permission denied; name another folder`);
    case 'EROFS':
      return new UserError(
        `${path}: cannot be written, its file system is read-only; name another folder`,
      );
    case 'EEXIST':
    case 'ENOTDIR':
      return new UserError(`${path}: cannot be written, a file is in the way of a folder`);
    default:
      return new UserError(`${path}: cannot be written (${messageOf(error)})`);
  }
}

/** `ENOENT` and its like; undefined when the error carries none. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
