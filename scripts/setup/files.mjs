// Content checks (hashes, sizes) and replacements that an interruption cannot leave half-done.
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Ends the names of what is not finished. Process numbers alone are not enough: containers share folders.
 */
export const MARK = `${process.pid}-${randomBytes(4).toString('hex')}`;

/**
 * The sha256 of texts or bytes, as hex.
 *
 * @param {(string | Uint8Array)[]} parts
 */
export function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/**
 * The sha256 of a file, as hex; undefined if it is not there.
 *
 * @param {string} path
 */
export function sha256OfFile(path) {
  return existsSync(path) ? sha256(readFileSync(path)) : undefined;
}

/**
 * The sha256 of a file that need not fit into memory, as hex.
 *
 * @param {string} path
 */
export async function sha256OfLargeFile(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/**
 * All files under a folder, sorted, relative to it; none if the folder is not there.
 *
 * @param {string} folder
 * @returns {string[]}
 */
export function listFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? listFiles(join(folder, entry.name)).map((name) => join(entry.name, name))
        : [entry.name],
    )
    .sort();
}

/**
 * One hash over the names and contents of files.
 *
 * @param {string} folder
 * @param {string[]} names relative to the folder
 */
export function hashOfFiles(folder, names) {
  return sha256(...names.flatMap((name) => [name, '\0', readFileSync(join(folder, name)), '\0']));
}

/** @typedef {Record<string, number>} Sizes bytes by relative path */

/**
 * The size of every file under a folder.
 *
 * @param {string} folder
 * @returns {Sizes}
 */
export function sizesOf(folder) {
  return Object.fromEntries(
    listFiles(folder).map((name) => [name, statSync(join(folder, name)).size]),
  );
}

/**
 * Whether every file that a folder once had is there with its size.
 *
 * @param {string} folder
 * @param {Sizes} sizes
 */
export function hasSizes(folder, sizes) {
  return Object.entries(sizes).every(
    ([name, size]) => statSync(join(folder, name), { throwIfNoEntry: false })?.size === size,
  );
}

/**
 * The content of a JSON file, or undefined if it is absent or cut short; the caller vouches for the
 * type.
 *
 * @template T
 * @param {string} path
 * @returns {T | undefined}
 */
export function readJson(path) {
  try {
    return /** @type {T} */ (JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * Writes a JSON file so that it is there as a whole or not at all.
 *
 * @param {string} path
 * @param {unknown} value
 */
export function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  const part = `${path}.${MARK}.part`;
  const file = openSync(part, 'w');
  try {
    writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, path);
}

/** @param {string} path */
export function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

/**
 * Removes what interrupted set-ups left: everything beside `prefix` whose path begins with it. A tool that outlived its set-up
 * may still be writing there; what it leaves is for the next time.
 *
 * @param {string} prefix
 */
export function removeLeftovers(prefix) {
  const folder = dirname(prefix);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of names.filter((name) => name.startsWith(basename(prefix)))) {
    try {
      remove(join(folder, name));
    } catch {
      // see above
    }
  }
}

/**
 * Moves a finished folder to its place; what stood there before goes to `trash` first and is then deleted.
 *
 * @param {string} finished
 * @param {string} place
 * @param {string} trash a free path on the same disk
 */
export function replaceFolder(finished, place, trash) {
  mkdirSync(dirname(place), { recursive: true });
  if (existsSync(place)) renameSync(place, trash);
  renameSync(finished, place);
  remove(trash);
}
