// What the headers of one part tell: the records in it, as a sequence or gathered.
import { statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import { listClassFolder, scanClassFolder } from './class-folder.js';
import { columnsOf, KINDS, type Columns } from './columns.js';
import { FileBytes } from './file-bytes.js';
import type { Part, PictureFacts, ScannedRecord } from './record.js';
import { scanTfrecord } from './tfrecord.js';
import { scanPictureTar, scanWebdataset } from './webdataset.js';

/** A file or folder as it was when it was read; another size or time of change, and it is another. */
export interface FileState {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The records of a part, in the order that they lie in. */
export interface ScannedPart {
  readonly part: Part;
  /** `label` as in the data (`NO_LABEL`: there is none); `part` is not filled in. */
  readonly columns: Columns;
  readonly keys: readonly string[];
  /** As errors tell them; in a folder, their paths below it. */
  readonly names: readonly string[];
  /** Of each record, its place in `classNames`; -1: none. */
  readonly classes: readonly number[];
  readonly classNames: readonly string[];
  /** What is wrong with a record's picture. */
  readonly faults: readonly { readonly record: number; readonly reason: string }[];
  readonly states: readonly FileState[];
  /** Files that are left out since their names are not of pictures. */
  readonly others: readonly string[];
}

export const NO_LABEL = -(2 ** 31);

/** The records of `part` one by one. Errors: as the reader of its kind. */
export function* scanRecords(part: Part): Generator<ScannedRecord, void> {
  if (part.kind === 'folder') {
    yield* scanClassFolder(part, listClassFolder(part.path));
    return;
  }
  const bytes = new FileBytes(part.path);
  try {
    switch (part.kind) {
      case 'tfrecord':
        return yield* scanTfrecord(bytes);
      case 'webdataset':
        return yield* scanWebdataset(bytes);
      case 'tar':
        return yield* scanPictureTar(bytes, part);
      default:
        return part.kind satisfies never;
    }
  } finally {
    bytes.close();
  }
}

/**
 * The records of `part` together; yields after each one, so that the caller can do something else
 * between two.
 *
 * Errors: as the reader of its kind; UserError where a file changes meanwhile.
 */
export function* scanPart(part: Part): Generator<void, ScannedPart> {
  const entries = part.kind === 'folder' ? listClassFolder(part.path) : null;
  const paths = entries?.folders ?? [part.path];
  const states = paths.map(stateOf);
  const records: ScannedRecord[] = [];
  for (const record of entries === null ? scanRecords(part) : scanClassFolder(part, entries)) {
    records.push(record);
    yield;
  }
  const changed = states.find(hasChanged);
  if (changed !== undefined) {
    throw new UserError(
      `${changed.path}: changed while it was read; run again when it is complete`,
    );
  }
  // A picture that is mended in its place leaves its folder as it was.
  const faulty = records.filter(({ picture }) => 'fault' in picture);
  const ofFaulty = entries === null ? [] : faulty.map(({ name }) => stateOf(join(part.path, name)));
  return {
    ...gather(part, records),
    states: [...states, ...ofFaulty],
    others: entries?.others ?? [],
  };
}

function gather(
  part: Part,
  records: readonly ScannedRecord[],
): Omit<ScannedPart, 'states' | 'others'> {
  const columns = columnsOf(records.length);
  const classNames = new Map<string, number>();
  const faults: { record: number; reason: string }[] = [];
  const classes = records.map((record, i) => {
    const { className, picture } = record;
    columns.offset[i] = record.offset;
    columns.length[i] = record.length;
    columns.lead[i] = record.lead;
    columns.span[i] = record.span;
    columns.stamp[i] = record.stamp;
    columns.label[i] = storedLabel(record.label);
    if ('fault' in picture) faults.push({ record: i, reason: picture.fault });
    else if (!fillPicture(columns, i, picture)) {
      const { width, height } = picture;
      faults.push({ record: i, reason: `is ${width} x ${height} pixels large, wanted 65535 each` });
    }
    if (className === null) return -1;
    if (!classNames.has(className)) classNames.set(className, classNames.size);
    return classNames.get(className) ?? -1;
  });
  return {
    part,
    columns,
    keys: records.map(({ key }) => key),
    names: records.map(({ name }) => name),
    classes,
    classNames: [...classNames.keys()],
    faults,
  };
}

/** What no class can have is kept as such. */
function storedLabel(label: number | null): number {
  if (label === null) return NO_LABEL;
  return Math.max(-1, Math.min(label, 2 ** 31 - 1));
}

/** False where its sides are too long for the columns. */
function fillPicture(columns: Columns, i: number, picture: PictureFacts): boolean {
  if (Math.max(picture.width, picture.height) > 0xffff) return false;
  columns.width[i] = picture.width;
  columns.height[i] = picture.height;
  columns.components[i] = picture.components;
  columns.kind[i] = KINDS.indexOf(picture.kind);
  return true;
}

function stateOf(path: string): FileState {
  const now = statOf(path);
  if (now === undefined) throw new UserError(`${path}: there is no such file or folder any more`);
  return { path, size: now.size, mtimeMs: now.mtimeMs };
}

/** Whether the file is another now, or gone. Errors: UserError where it may not be looked at. */
export function hasChanged({ path, size, mtimeMs }: FileState): boolean {
  const now = statOf(path);
  return now?.size !== size || now.mtimeMs !== mtimeMs;
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unreadable(path, error);
  }
}
