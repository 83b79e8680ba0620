// A lock file that several set-ups share; one that its owner left behind is recognised by the
// owner's process id.
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;
/** The owner on another machine cannot be looked up; after this long it is taken to be gone. */
const FOREIGN_LOCK_MS = 60 * 60 * 1000;

/**
 * When a process started, in clock ticks; tells it from a later one with the same id. Empty if it
 * is not running.
 *
 * @param {number} pid
 */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold spaces; start time is the
    // 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/**
 * @param {string} path
 * @returns {string | undefined} the owner's line, undefined if nobody holds the lock
 */
function ownerOf(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * @param {string} path
 * @param {string} owner
 */
function isStale(path, owner) {
  const [pid, start, host] = owner.split(' ');
  if (host === hostname()) return startTime(Number(pid)) !== start;
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > FOREIGN_LOCK_MS;
}

/**
 * Takes the lock if it is free. A link, unlike a new file, appears with its content.
 *
 * @param {string} path
 * @param {string} me
 */
function take(path, me) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, me);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/**
 * Clears a stale lock. Two that clear at once must not remove the lock the faster one took
 * meanwhile: whoever finds another owner's line in what it moved away puts it back.
 *
 * @param {string} path
 * @param {string} stale
 */
function clear(path, stale) {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (ownerOf(aside) !== stale) linkSync(aside, path);
    unlinkSync(aside);
  } catch {
    // Somebody else cleared it.
  }
}

/**
 * Runs `body` while holding the lock at `path`, waiting for it as long as its owner lives.
 *
 * @template T
 * @param {string} path
 * @param {(message: string) => void} say told once what is waited for
 * @param {() => Promise<T>} body
 * @returns {Promise<T>}
 */
export async function withLock(path, say, body) {
  mkdirSync(dirname(path), { recursive: true });
  const me = `${process.pid} ${startTime(process.pid)} ${hostname()}`;
  let announced = false;
  while (!take(path, me)) {
    const owner = ownerOf(path);
    if (owner === undefined) continue;
    if (isStale(path, owner)) {
      clear(path, owner);
      continue;
    }
    const [pid, , host] = owner.split(' ');
    if (!announced) say(`waiting for process ${pid} on ${host} (if it is gone, delete ${path})`);
    announced = true;
    await sleep(POLL_MS);
  }
  try {
    return await body();
  } finally {
    if (ownerOf(path) === me) unlinkSync(path);
  }
}
