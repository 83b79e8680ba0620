// The bytes and the characters of text files, piece by piece, so that memory holds their tokens alone.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { errorCode, refuseUnlessRegular, unreadable } from '../../util/file-errors.js';

/** Bytes that are read at a time. */
const PIECE = 1 << 20;

const WANTED = 'wanted a text file, or a folder of .txt files';

export interface TextFiles {
  readonly files: readonly string[];
  /** Names of what else is in the folder. */
  readonly leftOut: readonly string[];
  /** Names of those files in it that are empty. */
  readonly empty: readonly string[];
}

/**
 * The file at `path`, or the .txt files of the folder there, in the order of their names.
 *
 * Errors: UserError where there is nothing, or the folder has none, or what is there is a pipe or a device: a text is
 * read twice.
 */
export async function textFiles(path: string): Promise<TextFiles> {
  const found = await stat(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw unreadable(path, error);
    throw new UserError(`data.directory ${path}: there is no such file or folder; ${WANTED}`);
  });
  refuseUnlessRegular(path, found);
  if (!found.isDirectory()) return { files: [path], leftOut: [], empty: [] };
  const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const names = entries
    .filter((entry) => !entry.isDirectory() && /^[^.].*\.txt$/i.test(entry.name))
    .map(({ name }) => name)
    .sort();
  // Of links what they lead to.
  const files: string[] = [];
  const empty: string[] = [];
  for (const name of names) {
    const file = join(path, name);
    const at = await stat(file).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    refuseUnlessRegular(file, at);
    if (!at.isFile()) continue;
    files.push(file);
    if (at.size === 0) empty.push(name);
  }
  if (files.length === 0) {
    throw new UserError(`data.directory ${path}: holds no .txt file; ${WANTED}`);
  }
  const taken = new Set(files);
  const leftOut = entries
    .map(({ name }) => name)
    .filter((name) => !taken.has(join(path, name)))
    .sort();
  return { files, leftOut, empty };
}

/**
 * Hands a file's bytes on, from first to last; `take` tells how many of those at the end it wants once
 * more, before the next ones. The memory is used anew.
 *
 * Errors: UserError where the file cannot be read.
 */
async function eachPiece(
  path: string,
  take: (bytes: Uint8Array, isLast: boolean) => number,
): Promise<void> {
  const memory = new Uint8Array(PIECE);
  let kept = 0;
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    for (;;) {
      const { bytesRead } = await file.read(memory, kept, PIECE - kept);
      const end = kept + bytesRead;
      kept = take(memory.subarray(0, end), bytesRead === 0);
      if (bytesRead === 0) return;
      memory.copyWithin(0, end - kept, end);
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/** Hands a file's bytes on. Errors: UserError where it cannot be read. */
export const eachByte = (path: string, take: (bytes: Uint8Array) => void): Promise<void> =>
  eachPiece(path, (bytes) => {
    take(bytes);
    return 0;
  });

export const CR = 13;
const LF = 10;

/**
 * Hands a UTF-8 file's characters on, as numbers of Unicode; the memory is used anew. A byte order mark
 * at its beginning is none of them, and CR LF is one LF.
 *
 * Errors: UserError where the file cannot be read, or is not UTF-8, with the place of the first byte
 * that is not.
 */
export async function eachCharacter(
  path: string,
  take: (characters: Uint32Array) => void,
): Promise<{ readonly crlf: number }> {
  // One more than bytes, for a CR before them.
  const characters = new Uint32Array(PIECE + 1);
  let [done, crlf, isAfterCr] = [0, 0, false];
  await eachPiece(path, (bytes, isLast) => {
    const rest = isLast ? 0 : unfinished(bytes);
    const whole = bytes.subarray(0, bytes.length - rest);
    const text = decoded(path, whole, done);
    let count = 0;
    for (let i = 0; i < text.length; i++) {
      const character = text.codePointAt(i) ?? 0;
      if (character > 0xffff) i++;
      if (isAfterCr) {
        if (character === LF) crlf++;
        else characters[count++] = CR;
      }
      isAfterCr = character === CR;
      if (!isAfterCr) characters[count++] = character;
    }
    if (isLast && isAfterCr) characters[count++] = CR;
    take(characters.subarray(0, count));
    done += whole.length;
    return rest;
  });
  return { crlf };
}

/** How many bytes at the end begin a character that ends behind them. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}

/** @param before bytes of the file before these */
function decoded(path: string, bytes: Uint8Array, before: number): string {
  const decoder = () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: before > 0 });
  try {
    return decoder().decode(bytes);
  } catch {
    // The shortest beginning that cannot be decoded, whatever follows, ends with the fault.
    let [right, wrong] = [0, bytes.length + 1];
    while (wrong - right > 1) {
      const middle = Math.floor((right + wrong) / 2);
      try {
        decoder().decode(bytes.subarray(0, middle), { stream: true });
        right = middle;
      } catch {
        wrong = middle;
      }
    }
    throw new UserError(
      `${path}: is not UTF-8 at byte ${before + right} (from 0); wanted a text in UTF-8, or data.tokens=bytes, which takes any file`,
    );
  }
}
