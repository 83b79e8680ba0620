// A lock file that several set-ups share; one that its owner left behind is recognised, also from another container
// or machine.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MARK } from './files.mjs';

const POLL_MS = 200;
/** An owner shows that it lives by touching its file. */
const BEAT_MS = 30_000;
/** An owner on another machine cannot be looked up; silent for so long it is taken to be gone. */
const SILENT_MS = 10 * 60 * 1000;
/** Stands for what the system does not tell. */
const UNKNOWN = '-';

/** @param {() => string} read */
function orUnknown(read) {
  try {
    return read().trim() || UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

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

/** Of the kernel since it started; of the process numbers within it, which containers have of their own. */
const KERNEL = orUnknown(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
const NUMBERS = orUnknown(() => readlinkSync('/proc/self/ns/pid'));

/**
 * Takes the operating system's lock on an open file, which ends with the process: flock(1), where it is.
 *
 * @param {number} fd
 * @param {'exclusive' | 'shared'} kind
 */
function lockOpenFile(fd, kind) {
  const stdio = /** @type {const} */ (['ignore', 'ignore', 'ignore']);
  return (
    spawnSync('flock', ['--nonblock', `--${kind}`, '3'], { stdio: [...stdio, fd] }).status === 0
  );
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
  const [pid, start, host, kernel = UNKNOWN, numbers = UNKNOWN, locked] = owner.split(' ');
  const known = kernel !== UNKNOWN && KERNEL !== UNKNOWN;
  if (known ? kernel === KERNEL : host === hostname()) {
    if (!known || numbers === NUMBERS) return startTime(Number(pid)) !== start;
    if (locked === 'locked') return isUnlocked(path);
  }
  const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return age > SILENT_MS;
}

/** @param {string} path */
function isUnlocked(path) {
  try {
    const file = openSync(path, 'r');
    const unlocked = lockOpenFile(file, 'shared');
    closeSync(file);
    return unlocked;
  } catch {
    return true; // given back meanwhile
  }
}

/**
 * Takes the lock if it is free. A link, unlike a new file, appears with its content.
 *
 * @param {string} path
 * @returns {{ file: number, line: string } | undefined}
 */
function take(path) {
  const draft = `${path}.${MARK}`;
  const file = openSync(draft, 'w');
  try {
    const locked = lockOpenFile(file, 'exclusive') ? 'locked' : UNKNOWN;
    const line = [process.pid, startTime(process.pid), hostname(), KERNEL, NUMBERS, locked].join(
      ' ',
    );
    writeSync(file, line);
    linkSync(draft, path);
    return { file, line };
  } catch (error) {
    closeSync(file);
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return undefined;
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
  const aside = `${path}.${MARK}.stale`;
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
  let announced = false;
  let taken = take(path);
  while (taken === undefined) {
    const owner = ownerOf(path);
    if (owner !== undefined && isStale(path, owner)) {
      clear(path, owner);
    } else if (owner !== undefined) {
      const [pid, , host] = owner.split(' ');
      if (!announced) say(`waiting for process ${pid} on ${host} (if it is gone, delete ${path})`);
      announced = true;
      await sleep(POLL_MS);
    }
    if (ownerOf(path) === undefined) taken = take(path);
  }
  const { file, line } = taken;
  const beat = setInterval(() => futimesSync(file, new Date(), new Date()), BEAT_MS);
  try {
    return await body();
  } finally {
    clearInterval(beat);
    if (ownerOf(path) === line) unlinkSync(path);
    closeSync(file);
  }
}
