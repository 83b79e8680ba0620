// The door of this folder: the index of a set of pictures, from the cache or made anew.
//
//  1. recognise the form of each split, and list its parts (find.ts);
//  2. take the index in the cache where every file is still as it was (index-file.ts);
//  3. otherwise scan the headers of all parts (scan-all.ts), those done kept in a journal (journal.ts);
//  4. number the labels (labels.ts), put all records in one order (record-index.ts), write the index.
//
// Records are then read at random (read-record.ts), in the order of an epoch (order.ts).
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted } from '../../util/abort.js';
import { cacheFolder } from '../../util/cache-folder.js';
import { UserError } from '../../util/errors.js';
import { makeFolders } from '../../util/folders.js';
import { acquireLock, LockHeldError, type Lock } from '../../util/lock.js';
import { buildIndex, digest, type FoundSet, type IndexOptions } from './build-index.js';
import { readClassList, readPictureList } from './class-list.js';
import { findSplit, refuseNothing, WANTED } from './find.js';
import { readIndex } from './index-file.js';
import type { RecordIndex, RecordSplit } from './record-index.js';
import { hasChanged } from './scan.js';

/** Of the program that reads it; an index of another is not looked at. */
const VERSION = 2;
const POLL_MILLISECONDS = 200;

/**
 * The index of the pictures in `directory`. The second call takes what the first one wrote into the
 * cache, as long as no file has changed.
 *
 * Errors: UserError, one line, when the folder holds no such set, a file is missing, cut short or
 * damaged, a label is out of range, or the cache cannot be written; the signal's reason when it is
 * aborted (what is scanned is kept and gone on from). Pictures that are damaged are no error: the
 * index tells of them.
 */
export async function openIndex(
  directory: string,
  options: IndexOptions = {},
): Promise<RecordIndex> {
  const found = await unlessAborted(options.signal, find(directory, options));
  const cached = await fromCache(found);
  if (typeof cached !== 'string') return cached;
  await makeFolders(dirname(found.path));
  const lock = await waitForLock(`${found.path}.lock`, options);
  try {
    // Whoever had the lock has made it.
    const renewed = await fromCache(found);
    if (typeof renewed !== 'string') return renewed;
    if (renewed !== ABSENT) options.onProgress?.({ kind: 'renewing', reason: renewed });
    return await buildIndex(found, lock, options);
  } finally {
    await lock.release();
  }
}

async function find(directory: string, options: IndexOptions): Promise<FoundSet> {
  // By whatever name the folder is called, it is the same set.
  const real = await realpath(directory).catch(() => directory);
  const train = await findSplit(real, 'train');
  const test = await findSplit(real, 'test');
  if (train === null && test === null) await refuseNothing(directory);
  if (train === null) {
    throw new UserError(`data.directory ${directory}: has no training pictures; ${WANTED}`);
  }
  const classFile = options.classFile ?? null;
  const classList = await readClassList(real, classFile);
  const listed = [train, test].find((split) => split?.form === 'listed');
  const pictures = listed?.parts[0]?.path;
  const pictureList = pictures === undefined ? null : await readPictureList(real, pictures);
  const key = digest([VERSION, real, classFile]).slice(0, 16);
  const folder = join(options.cache ?? cacheFolder(), 'indexes');
  return {
    directory: real,
    train,
    test,
    classList,
    pictureList,
    path: join(folder, `${basename(real)}-${key}.index`),
    lists: digest([classList?.names, pictureList?.lines]),
  };
}

const ABSENT = 'there is none';

/** Why it cannot be taken, where it cannot. */
async function fromCache(found: FoundSet): Promise<RecordIndex | string> {
  const kept = await readIndex(found.path);
  if (kept === null) return ABSENT;
  if (kept === 'damaged') return `${found.path} is damaged`;
  const { index, lists } = kept;
  if (lists !== found.lists) return 'a list of classes or labels has changed';
  const pairs = [
    [index.train, found.train],
    [index.test, found.test],
  ] as const;
  for (const [old, now] of pairs) {
    if (digest(old?.parts ?? null) !== digest(now?.parts ?? null)) {
      return 'files have come or gone';
    }
    const changed = old === null ? undefined : changedFile(old);
    if (changed !== undefined) return `${changed} has changed`;
  }
  return index;
}

const changedFile = ({ states }: RecordSplit): string | undefined => states.find(hasChanged)?.path;

async function waitForLock(path: string, options: IndexOptions): Promise<Lock> {
  for (let told = false; ;) {
    try {
      return await acquireLock(path);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      if (!told) options.onProgress?.({ kind: 'waiting', reason: error.message });
      told = true;
    }
    await sleep(POLL_MILLISECONDS, undefined, {
      ...(options.signal && { signal: options.signal }),
    });
  }
}
