// Makes the index of a set: scans what is not in the journal yet, numbers the labels, writes the index.
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { counted } from '../../util/counted.js';
import { InternalError, UserError } from '../../util/errors.js';
import type { Lock } from '../../util/lock.js';
import type { ClassList, PictureList } from './class-list.js';
import type { FoundSplit } from './find.js';
import { writeIndex } from './index-file.js';
import { openJournal } from './journal.js';
import { labelling } from './labels.js';
import type { Part } from './record.js';
import { assembleSplit, type RecordIndex } from './record-index.js';
import { hasChanged, type ScannedPart } from './scan.js';
import { scanAll } from './scan-all.js';

export type IndexEvent =
  /** Another process makes the same index. */
  | { readonly kind: 'waiting'; readonly reason: string }
  /** The index in the cache cannot be taken. */
  | { readonly kind: 'renewing'; readonly reason: string }
  | {
      readonly kind: 'scanning';
      readonly parts: number;
      readonly partsDone: number;
      readonly records: number;
    };

export type OnIndexing = (event: IndexEvent) => void;

export interface IndexOptions {
  /** File of the classes, one a line, in the order of their labels; null: one beside the data, or sorted names. */
  readonly classFile?: string | null;
  /** Where indexes are kept. */
  readonly cache?: string;
  /** Threads that scan; 0: this one. */
  readonly workers?: number;
  readonly onProgress?: OnIndexing;
  readonly signal?: AbortSignal;
}

/** More at once do not make a disk faster. */
const MOST_WORKERS = 4;

/** A set as it lies there, before anything of it is read. */
export interface FoundSet {
  readonly directory: string;
  readonly train: FoundSplit;
  readonly test: FoundSplit | null;
  readonly classList: ClassList | null;
  /** For a split in form `listed`. */
  readonly pictureList: PictureList | null;
  readonly path: string;
  /** Digest of the lists. */
  readonly lists: string;
}

/**
 * Scans, and writes the index into the cache.
 *
 * Errors: UserError as `openIndex`; the signal's reason.
 *
 * @param lock on the index, which this process has
 */
export async function buildIndex(
  found: FoundSet,
  lock: Lock,
  options: IndexOptions,
): Promise<RecordIndex> {
  const journalPath = `${found.path}.journal`;
  const splits = [found.train, ...(found.test === null ? [] : [found.test])];
  const scanned = await scanWithJournal(
    splits.flatMap(({ parts }) => parts),
    journalPath,
    options,
  );
  const [train = [], test = []] = splits.map(({ parts }) =>
    parts.map((part) => withClasses(scanned.get(digest(part)), found.pictureList)),
  );
  const labels = labelling(train, test, found.classList);
  const index: RecordIndex = {
    directory: found.directory,
    classes: labels.classes,
    classNames: labels.names,
    notes: [...labels.notes, ...notesOf([...train, ...test], found.pictureList)],
    train: assembleSplit(found.train.form, train, labels),
    test: found.test === null ? null : assembleSplit(found.test.form, test, labels),
  };
  if (index.train.count === 0) {
    throw new UserError(`data.directory ${found.directory}: holds no pictures to train on`);
  }
  await lock.refuseLost();
  await writeIndex(found.path, { index, lists: found.lists });
  await rm(journalPath, { force: true });
  return index;
}

/** By the digest of the part. */
async function scanWithJournal(
  parts: readonly Part[],
  journalPath: string,
  { workers = Math.min(MOST_WORKERS, availableParallelism()), onProgress, signal }: IndexOptions,
): Promise<ReadonlyMap<string, ScannedPart>> {
  const journal = openJournal(journalPath);
  try {
    const wanted = new Set(parts.map(digest));
    const done = new Map(
      journal.parts
        .map((scanned) => [digest(scanned.part), scanned] as const)
        .filter(([key, { states }]) => wanted.has(key) && !states.some(hasChanged)),
    );
    let records = 0;
    const tell = (): void =>
      onProgress?.({ kind: 'scanning', parts: parts.length, partsDone: done.size, records });
    const left = parts.filter((part) => !done.has(digest(part)));
    for (const { keys } of done.values()) records += keys.length;
    await scanAll(left, {
      workers,
      signal,
      onRecords: (count) => {
        records += count;
        tell();
      },
      onPart: (scanned) => {
        journal.add(scanned);
        done.set(digest(scanned.part), scanned);
        tell();
      },
    });
    return done;
  } finally {
    journal.close();
  }
}

/** The part with the classes that a list beside the data gives its pictures. */
function withClasses(scanned: ScannedPart | undefined, list: PictureList | null): ScannedPart {
  if (scanned === undefined) throw new InternalError('a part was not scanned');
  const { kind, className, path } = scanned.part;
  if (list === null || className !== null || (kind !== 'folder' && kind !== 'tar')) return scanned;
  const places = new Map<string, number>();
  const classes = scanned.keys.map((key, i) => {
    const name = list.classOf(key);
    if (name === null) {
      throw new UserError(`${path}: ${scanned.names[i] ?? key} has no class in ${list.path}`);
    }
    const place = places.get(name) ?? places.size;
    places.set(name, place);
    return place;
  });
  return { ...scanned, classes, classNames: [...places.keys()] };
}

function notesOf(scanned: readonly ScannedPart[], list: PictureList | null): string[] {
  const notes = list === null ? [] : [`labels: the pictures' classes as in ${list.path}`];
  const others = scanned.flatMap(({ part, others }) =>
    others.map((name) => `${part.path}/${name}`),
  );
  const [first] = others;
  if (first !== undefined) {
    const files = counted(others.length, 'file');
    notes.push(`left out: ${files} without the name of a picture (${first})`);
  }
  return notes;
}

/** Of plain data. */
export const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex');
