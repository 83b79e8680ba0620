// A lock file: who holds it is alive, or the next one takes it over.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { writeFileAtomically } from './atomic-file.js';
import { UserError } from './errors.js';
import { errorCode, unreadable, unwritable } from './file-errors.js';

const holderSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  /**
   * When the process started, as /proc tells it: tells it from a later one with the same number.
   * Null without /proc.
   */
  startTime: z.string().nullable(),
});
type Holder = z.infer<typeof holderSchema>;

export interface Lock {
  release(): Promise<void>;
}

/** Between creating the file and writing into it a holder needs far less. */
const GRACE_MILLISECONDS = 1000;
const POLL_MILLISECONDS = 50;

/**
 * Takes the lock at `path` for this process. Of several that try at once, one gets it.
 *
 * A file left by a dead process is taken over. Only one process may do so: the one that holds the
 * lock named after the file's content, and that finds this content still there.
 *
 * Errors: UserError when a live process holds it, or one of another host, which cannot be asked;
 * UserError when the file cannot be written.
 */
export async function acquireLock(path: string): Promise<Lock> {
  return acquire(path, path);
}

/** `named`: the lock that the user is told of; `path` may be that of the right to take it over. */
async function acquire(path: string, named: string): Promise<Lock> {
  const own = JSON.stringify(thisProcess());
  for (;;) {
    if (await createWith(path, own)) return lockOf(path, own);
    const found = await readSettled(path);
    if (found === null) continue;
    refuseHeld(named, found);
    const takeover = await acquire(`${path}-${contentName(found)}`, named);
    try {
      if ((await read(path)) !== found) continue;
      await writeFileAtomically(path, own);
      return lockOf(path, own);
    } finally {
      await takeover.release();
    }
  }
}

/**
 * Errors: UserError when a live process, or one of another host, holds the lock. Writes nothing.
 */
export async function refuseLocked(path: string): Promise<void> {
  const found = await readSettled(path);
  if (found !== null) refuseHeld(path, found);
}

function lockOf(path: string, own: string): Lock {
  return {
    release: async () => {
      if ((await read(path)) === own) await rm(path, { force: true });
    },
  };
}

/** False where the file is there already. */
async function createWith(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw unwritable(path, error);
  }
}

/**
 * The file's content, once whoever creates it has had time to write it; null where there is no
 * file.
 */
async function readSettled(path: string): Promise<string | null> {
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const content = await read(path);
    if (content === null || holderOf(content) !== null) return content;
    if (waited >= GRACE_MILLISECONDS) return content;
    await sleep(POLL_MILLISECONDS);
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
}

function refuseHeld(path: string, content: string): void {
  const holder = holderOf(content);
  if (holder === null || isDead(holder)) return;
  const { pid, host } = holder;
  const wayOut =
    host === hostname()
      ? 'wait for it, stop it, or name another folder with --out'
      : `if it runs no longer, delete ${path}; otherwise name another folder with --out`;
  throw new UserError(`${path}: in use by process ${pid} on ${host}; ${wayOut}`);
}

function holderOf(content: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return null;
  }
}

function isDead({ pid, host, startTime }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
  return startTime !== startTimeOf(pid);
}

function thisProcess(): Holder {
  return { pid: process.pid, host: hostname(), startTime: startTimeOf(process.pid) };
}

/**
 * Field 22 of /proc/PID/stat, in clock ticks since the machine started; null without /proc, and of
 * a dead process.
 */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the program's name in parentheses, may hold spaces and parentheses of its
    // own.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Killed, and only waiting for its parent to notice: it writes nothing any more.
    if (fields[0] === 'Z') return null;
    return fields[22 - 3] ?? null;
  } catch {
    return null;
  }
}

function contentName(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
