// A lock file: who holds it is alive, or the next one takes it over.
import { createHash } from 'node:crypto';
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryPath } from './atomic-file.js';
import { RunError, UserError } from './errors.js';
import { errorCode, unwritable } from './file-errors.js';
import { startHeartbeat } from './heartbeat.js';
import {
  BEAT_MILLISECONDS,
  isProcessDead,
  isRequeued,
  parseHolder,
  questionFor,
  SILENT_MILLISECONDS,
  thisProcess,
  type Holder,
} from './holder.js';
import { lockOpenFile } from './os-lock.js';
import { readTextIfThere } from './text-file.js';

export interface Lock {
  /**
   * For before something is written under the lock.
   *
   * Errors: RunError where another process has taken it over, as from one that was stopped for
   * minutes on another machine.
   */
  readonly refuseLost: () => Promise<void>;
  readonly release: () => Promise<void>;
}

/** A live process holds the lock. */
export class LockHeldError extends UserError {}

/** Where files cannot be linked, a holder needs far less between creating its file and writing it. */
const GRACE_MILLISECONDS = 1000;
const POLL_MILLISECONDS = 50;

/**
 * Takes the lock at `path` for this process. Of several that try at once, one gets it.
 *
 * A file left by a dead process is taken over. Only one process may do so: the one that holds the
 * lock named after the file's content, and that finds this content still there.
 *
 * Whether the holder is dead, its process number tells, or in another container the operating
 * system's lock on the file. A holder on another machine is dead when Slurm has started its task
 * again, as this process, or when it has given no sign of life for minutes.
 *
 * Errors: LockHeldError when a live process holds it; UserError when the file cannot be written.
 *
 * @param beatMilliseconds between the signs of life that this holder gives.
 */
export async function acquireLock(
  path: string,
  beatMilliseconds = BEAT_MILLISECONDS,
): Promise<Lock> {
  const held = await acquire(path, path);
  const heartbeat = startHeartbeat(held.file.fd, beatMilliseconds);
  return {
    ...held,
    release: async () => {
      await heartbeat.stop();
      await held.release();
    },
  };
}

/** Errors: UserError when a live process holds the lock. Writes nothing. */
export async function refuseLocked(path: string): Promise<void> {
  const found = await readSettled(path);
  if (found !== null) await refuseHeld(path, path, found);
}

interface Held extends Lock {
  /** The lock file, open. */
  readonly file: FileHandle;
}

/** `named`: the lock that the user is told of; `path` may be that of the right to take it over. */
async function acquire(path: string, named: string): Promise<Held> {
  for (;;) {
    const draft = await writeDraft(path);
    try {
      if (await putInFreePlace(draft, path)) return heldAt(path, draft);
      const found = await readSettled(path);
      if (found === null) continue;
      await refuseHeld(path, named, found);
      const takeover = await acquire(`${path}-${contentName(found)}`, named);
      try {
        if ((await readTextIfThere(path)) !== found) continue;
        await rename(draft.path, path);
        draft.kept = true;
        return heldAt(path, draft);
      } finally {
        await takeover.release();
      }
    } catch (error) {
      // Whoever holds the lock has tidied up.
      if (errorCode(error) === 'ENOENT') continue;
      throw error instanceof UserError ? error : unwritable(path, error);
    } finally {
      await rm(draft.path, { force: true }).catch(() => undefined);
      if (!draft.kept) await draft.file.close();
    }
  }
}

/** The lock file before it stands in its place, with its content, and locked. */
interface Draft {
  readonly path: string;
  file: FileHandle;
  readonly content: string;
  /** Whether it has become the lock. */
  kept: boolean;
}

async function writeDraft(path: string): Promise<Draft> {
  const draft = temporaryPath(path);
  let file: FileHandle | undefined;
  try {
    file = await open(draft, 'wx');
    const osLock = (await lockOpenFile(file.fd, 'exclusive')) === 'free';
    const content = JSON.stringify(thisProcess(osLock));
    await file.writeFile(content);
    return { path: draft, file, content, kept: false };
  } catch (error) {
    await file?.close();
    await rm(draft, { force: true }).catch(() => undefined);
    throw unwritable(path, error);
  }
}

/** False where a file is there already. A link, unlike a new file, appears with its content. */
async function putInFreePlace(draft: Draft, path: string): Promise<boolean> {
  try {
    await link(draft.path, path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return false;
    if (code === undefined || !UNLINKABLE.has(code)) throw error;
    if (!(await createWith(draft, path))) return false;
  }
  draft.kept = true;
  return true;
}

/** What file systems without hard links answer. */
const UNLINKABLE: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

async function createWith(draft: Draft, path: string): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  await lockOpenFile(file.fd, 'exclusive');
  await file.writeFile(draft.content);
  await draft.file.close();
  draft.file = file;
  return true;
}

function heldAt(path: string, { file, content }: Draft): Held {
  return {
    file,
    refuseLost: async () => {
      const found = await readTextIfThere(path);
      // Without the file nobody else has it yet.
      if (found === null || found === content) return;
      throw new RunError(
        `${path}: another process has taken this folder over, after minutes without a sign of life from this one; nothing more is written here`,
      );
    },
    release: async () => {
      if ((await readTextIfThere(path)) === content) await rm(path, { force: true });
      await file.close();
    },
  };
}

/**
 * The file's content, once whoever creates it has had time to write it; null where there is no
 * file.
 */
async function readSettled(path: string): Promise<string | null> {
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const content = await readTextIfThere(path);
    if (content === null || parseHolder(content) !== null) return content;
    if (waited >= GRACE_MILLISECONDS) return content;
    await sleep(POLL_MILLISECONDS);
  }
}

/** `path` has `content`; `named` as above. */
async function refuseHeld(path: string, named: string, content: string): Promise<void> {
  const holder = parseHolder(content);
  if (holder === null || isRequeued(holder)) return;
  switch (questionFor(holder)) {
    case 'process':
      if (isProcessDead(holder)) return;
      throw inUse(named, holder, 'wait for it, stop it, or name another folder with --out');
    case 'os-lock': {
      const lock = await osLockOf(path);
      if (lock === 'free') return;
      if (lock === 'unknown') return refuseAlive(path, named, holder);
      const wayOut = 'wait for it, stop it, or name another folder with --out';
      throw inUse(named, holder, `it runs in another container: ${wayOut}`);
    }
    case 'signs':
      return refuseAlive(path, named, holder);
  }
}

async function refuseAlive(path: string, named: string, holder: Holder): Promise<void> {
  const wayOut = `if it runs no longer, delete ${named}; otherwise name another folder with --out`;
  // Of a version that gave no signs of life.
  if (holder.bootId === undefined) throw inUse(named, holder, wayOut);
  const silent = Date.now() - (await changeTime(path));
  if (silent > SILENT_MILLISECONDS) return;
  const ago = `${Math.max(0, Math.round(silent / 1000))} s`;
  const limit = `${SILENT_MILLISECONDS / 60_000} minutes`;
  throw inUse(
    named,
    holder,
    `its last sign of life was ${ago} ago, and after ${limit} without one this is free; ${wayOut}`,
  );
}

function inUse(path: string, { pid, host, slurm }: Holder, wayOut: string): LockHeldError {
  const job = slurm === null ? '' : ` (Slurm job ${slurm.job.replace(/^.*\//, '')})`;
  return new LockHeldError(`${path}: in use by process ${pid} on ${host}${job}; ${wayOut}`);
}

/** `taken`: the process that locked the file lives. */
async function osLockOf(path: string): Promise<'taken' | 'free' | 'unknown'> {
  const file = await open(path, 'r').catch(() => null);
  // Released meanwhile.
  if (file === null) return 'free';
  try {
    return await lockOpenFile(file.fd, 'shared');
  } finally {
    await file.close();
  }
}

/** In milliseconds, as Date.now() counts them; 0 where the file is gone. */
async function changeTime(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.mtimeMs ?? 0;
}

function contentName(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
