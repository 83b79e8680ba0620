// The index of a set: what is known of each record without reading its picture.
import { bytesOf, columnBytes, columnsOf, copyRecord, type Columns } from './columns.js';
import type { Form } from './find.js';
import { RecordFault, type Part } from './record.js';
import type { Labelling } from './labels.js';
import type { FileState, ScannedPart } from './scan.js';

/**
 * A split's records, sorted by label, then by the picture's name without folders: the same pictures
 * have the same numbers in whatever form they are held.
 */
export interface RecordSplit {
  readonly form: Form;
  readonly count: number;
  readonly parts: readonly Part[];
  /** Of `Columns`: `columnsOf(count, memory)`. Workers share it. */
  readonly memory: SharedArrayBuffer;
  /** In class folders each file's path below its part's; null elsewhere. */
  readonly names: SharedNames | null;
  /** What is wrong with the pictures of kind `faulty`. */
  readonly faults: readonly PictureFault[];
  /** Bytes that the largest record is read into. */
  readonly largestSpan: number;
  /** Files and folders as they were. */
  readonly states: readonly FileState[];
}

interface PictureFault {
  readonly record: number;
  readonly file: string;
  readonly name: string;
  readonly reason: string;
}

/** Strings behind one another in UTF-8: string i ends where string i + 1 begins. */
export interface SharedNames {
  /** [count + 1] */
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
}

export interface RecordIndex {
  /** The folder of the set, by its real path. */
  readonly directory: string;
  readonly classes: number;
  /** By label; null where the data only has numbers. */
  readonly classNames: readonly string[] | null;
  /** What the user is told of how the set was read, a line each. */
  readonly notes: readonly string[];
  readonly train: RecordSplit;
  /** Null where the folder holds none. */
  readonly test: RecordSplit | null;
}

export const columnsOfSplit = ({ count, memory }: RecordSplit): Columns => columnsOf(count, memory);

/** Puts the records of all parts in the one order. Errors: UserError where a label is out of range. */
export function assembleSplit(
  form: Form,
  scanned: readonly ScannedPart[],
  { labelsOf }: Labelling,
): RecordSplit {
  const count = scanned.reduce((sum, { keys }) => sum + keys.length, 0);
  const labels = scanned.map(labelsOf);
  const places: Place[] = [];
  for (const [p, { keys }] of scanned.entries()) {
    for (const [i, key] of keys.entries()) places.push({ p, i, key, label: labels[p]?.[i] ?? 0 });
  }
  places.sort(
    (a, b) =>
      a.label - b.label || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.p - b.p || a.i - b.i),
  );
  const memory = new SharedArrayBuffer(columnBytes(count));
  const columns = columnsOf(count, memory);
  for (const [at, { p, i, label }] of places.entries()) {
    const part = scanned[p];
    if (part !== undefined) copyRecord(part.columns, i, columns, at);
    columns.part[at] = p;
    columns.label[at] = label;
  }
  const nameAt = ({ p, i }: Place): string => scanned[p]?.names[i] ?? '';
  return {
    form,
    count,
    parts: scanned.map(({ part }) => part),
    memory,
    names: scanned[0]?.part.kind === 'folder' ? packNames(places.map(nameAt)) : null,
    faults: faultsOf(scanned, places),
    largestSpan: columns.span.reduce((most, span) => Math.max(most, span), 0),
    states: scanned.flatMap(({ states }) => states),
  };
}

interface Place {
  /** Part, and record in it. */
  readonly p: number;
  readonly i: number;
  readonly key: string;
  readonly label: number;
}

function faultsOf(scanned: readonly ScannedPart[], places: readonly Place[]): PictureFault[] {
  const reasons = scanned.map(
    ({ faults }) => new Map(faults.map(({ record, reason }) => [record, reason])),
  );
  return places.flatMap(({ p, i }, record) => {
    const reason = reasons[p]?.get(i);
    const part = scanned[p];
    if (reason === undefined || part === undefined) return [];
    return [{ record, file: part.part.path, name: part.names[i] ?? '', reason }];
  });
}

/** What to tell of record `i`, where the index knows a fault of it; null where it knows none. */
export function knownFault({ faults }: RecordSplit, i: number): RecordFault | null {
  const found = faults.find(({ record }) => record === i);
  return found === undefined ? null : new RecordFault(found.file, found.name, found.reason);
}

function packNames(names: readonly string[]): SharedNames {
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (names.length + 1)));
  for (const [i, name] of names.entries()) {
    starts[i + 1] = (starts[i] ?? 0) + Buffer.byteLength(name);
  }
  const bytes = Buffer.from(new SharedArrayBuffer(starts.at(-1) ?? 0));
  for (const [i, name] of names.entries()) bytes.write(name, starts[i] ?? 0, 'utf8');
  return { starts, bytes: new Uint8Array(bytes.buffer) };
}

/** String `i`. */
export function nameAt({ starts, bytes }: SharedNames, i: number): string {
  const [start = 0, end = 0] = [starts[i], starts[i + 1]];
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}

/** The memory that an index file keeps, behind one another. */
export const blobsOf = (split: RecordSplit): Uint8Array[] => [
  bytesOf(columnsOfSplit(split)),
  ...(split.names === null ? [] : [new Uint8Array(split.names.starts.buffer), split.names.bytes]),
];
