// Reads the pictures of an index at random: one read each.
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InternalError, required, UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import type { Columns } from './columns.js';
import { maskedCrc } from './crc.js';
import { changeStamp, keyOf, RecordFault, type Extent, type Part } from './record.js';
import { columnsOfSplit, knownFault, nameAt, type RecordSplit } from './record-index.js';
import { scanRecords } from './scan.js';

/** Far below what a process may have open, times as many workers as anybody has. */
const MOST_OPEN = 32;

/** Where a picture's bytes lie. */
export interface Place {
  readonly file: string;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

interface Called {
  readonly name: string;
  readonly key: string;
}

/**
 * Reads records of one split, and keeps its shards open. Synchronous: it is for worker threads, of which
 * each has its own.
 */
export class RecordReader {
  readonly #split: RecordSplit;
  readonly #columns: Columns;
  /** The one used longest ago comes first. */
  readonly #open = new Map<string, number>();
  /** By part and offset. */
  readonly #called = new Map<Part, Map<number, Called>>();
  readonly #states: ReadonlyMap<string, RecordSplit['states'][number]>;

  constructor(split: RecordSplit) {
    this.#split = split;
    this.#columns = columnsOfSplit(split);
    this.#states = new Map(split.states.map((state) => [state.path, state]));
  }

  /**
   * The bytes of picture `i`, as they stand in the file, within `into`, which has room for
   * `largestSpan` of them.
   *
   * Errors: RecordFault where the picture is known to be damaged or its checksum differs, so that others
   * can still be read; UserError where the file has changed since the index was made.
   */
  read(i: number, into: Uint8Array): Uint8Array {
    const fault = this.#columns.kind[i] === 0 ? knownFault(this.#split, i) : null;
    if (fault !== null) throw fault;
    const part = this.#partOf(i);
    const extent = this.#extentOf(i);
    if (part.kind === 'folder') return readFile(this.#fileOf(i, part), extent, into);
    const file = this.#shard(part.path);
    const read = readSpan(part.path, file, extent, into);
    if (read === null) throw changed(part.path);
    if (part.kind === 'tfrecord' && maskedCrc(read) !== extent.stamp) {
      throw this.faultOf(i, CRC_DIFFERS);
    }
    return read.subarray(extent.lead, extent.lead + extent.length);
  }

  placeOf(i: number): Place {
    const part = this.#partOf(i);
    const { offset, length } = this.#extentOf(i);
    return { file: part.kind === 'folder' ? this.#fileOf(i, part) : part.path, offset, length };
  }

  /** What to tell of picture `i` where it cannot be had. */
  faultOf(i: number, reason: string): RecordFault {
    return new RecordFault(this.#partOf(i).path, this.nameOf(i), reason);
  }

  /** As errors tell of it. */
  nameOf(i: number): string {
    return this.#calledOf(i).name;
  }

  /** The picture's name without folders, as in `ScannedRecord`. */
  keyOf(i: number): string {
    return this.#calledOf(i).key;
  }

  /** The index keeps names of class folders alone; of other parts the headers are read once more. */
  #calledOf(i: number): Called {
    const { names } = this.#split;
    if (names !== null) {
      const name = nameAt(names, i);
      return { name, key: keyOf(name) };
    }
    const part = this.#partOf(i);
    const called = this.#called.get(part) ?? new Map<number, Called>();
    if (called.size === 0) {
      for (const { offset, name, key } of scanRecords(part)) called.set(offset, { name, key });
      this.#called.set(part, called);
    }
    const found = called.get(this.#extentOf(i).offset);
    if (found === undefined) throw changed(part.path);
    return found;
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }

  #partOf(i: number): Part {
    const place = required(this.#columns.part[i], `record ${i}`);
    return required(this.#split.parts[place], `part ${place}`);
  }

  #extentOf(i: number): Extent {
    const { offset, length, lead, span, stamp } = this.#columns;
    const [a, b, c, d, e] = [offset[i], length[i], lead[i], span[i], stamp[i]];
    return {
      offset: required(a, `record ${i}`),
      length: b ?? 0,
      lead: c ?? 0,
      span: d ?? 0,
      stamp: e ?? 0,
    };
  }

  #fileOf(i: number, { path }: Part): string {
    return join(path, nameAt(required(this.#split.names, 'the names'), i));
  }

  #shard(path: string): number {
    const open = this.#open.get(path);
    if (open !== undefined) {
      this.#open.delete(path);
      this.#open.set(path, open);
      return open;
    }
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.size >= MOST_OPEN) {
      closeSync(oldest[1]);
      this.#open.delete(oldest[0]);
    }
    const file = opened(path);
    this.#open.set(path, file);
    const { size, mtimeMs } = fstatSync(file);
    const state = this.#states.get(path);
    if (state?.size !== size || state.mtimeMs !== mtimeMs) throw changed(path);
    return file;
  }
}

export const CRC_DIFFERS = 'is damaged: its CRC differs';

/** Null where the file ends before. */
export function readSpan(
  path: string,
  file: number,
  { offset, lead, span }: Extent,
  into: Uint8Array,
): Uint8Array | null {
  if (into.length < span) throw new InternalError(`${span} bytes wanted room in ${into.length}`);
  try {
    for (let at = 0; at < span;) {
      const got = readSync(file, into, at, span - at, offset - lead + at);
      if (got === 0) return null;
      at += got;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
  return into.subarray(0, span);
}

function readFile(path: string, extent: Extent, into: Uint8Array): Uint8Array {
  if (!existsSync(path)) throw changedInFolder(path);
  const file = opened(path);
  try {
    const { size, mtimeMs } = fstatSync(file);
    if (size !== extent.length || changeStamp(mtimeMs) !== extent.stamp)
      throw changedInFolder(path);
    const read = readSpan(path, file, extent, into);
    if (read === null) throw changedInFolder(path);
    return read;
  } finally {
    closeSync(file);
  }
}

/** Open for reading. Errors: UserError where it cannot be. */
export function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
}

const changed = (path: string): UserError =>
  new UserError(`${path}: has changed since its index was made; run again, and it is made anew`);

/** That a file has changed, its folder does not tell: only as many as there are folders are looked at. */
const changedInFolder = (path: string): UserError =>
  new UserError(
    `${path}: has changed since its index was made; touch ${dirname(path)} and run again, and it is made anew`,
  );
