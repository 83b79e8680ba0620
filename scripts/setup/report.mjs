// What the set-up tells on stderr: one line a phase, with the time it took.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const PROGRESS_MS = 500;

/** @param {number} bytes */
export function megabytes(bytes) {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** @param {string} message */
export function say(message) {
  process.stderr.write(`set-up: ${message}\n`);
}

/**
 * Tells that a phase begins, runs it, and tells how long it took.
 *
 * @template T
 * @param {string} title
 * @param {string} detail what is worth knowing while waiting, or ''
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function timed(title, detail, body) {
  say(`${title} ${detail && `(${detail}) `}...`);
  const start = performance.now();
  const result = await body();
  say(`${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Bytes under a folder that is being written to.
 *
 * @param {string} folder
 * @returns {number}
 */
function bytesUnder(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => join(folder, entry.name))
      .reduce((sum, path) => {
        const stat = lstatSync(path, { throwIfNoEntry: false });
        return sum + (stat?.isDirectory() ? bytesUnder(path) : (stat?.size ?? 0));
      }, 0);
  } catch {
    return 0; // a file was moved away while it was counted
  }
}

/**
 * On a terminal, shows how far a download into `folder` has come while `body` runs.
 *
 * @template T
 * @param {string} folder
 * @param {number} total bytes expected
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withProgress(folder, total, body) {
  if (!process.stderr.isTTY) return await body();
  const timer = setInterval(() => {
    const done = Math.min(bytesUnder(folder), total);
    process.stderr.write(`\r\x1b[K  ${megabytes(done)} of ${megabytes(total)}`);
  }, PROGRESS_MS);
  try {
    return await body();
  } finally {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  }
}
