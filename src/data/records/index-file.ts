// The index of a set as a file: a head, JSON, and the columns, each of which begins at a multiple of 64.
import { crc32c } from '@node-rs/crc32';
import { open, type FileHandle } from 'node:fs/promises';
import { writeFileAtomically } from '../../util/atomic-file.js';
import { errorCode, unreadable } from '../../util/file-errors.js';
import { blobsOf, type RecordIndex, type RecordSplit } from './record-index.js';

const MAGIC = 'fsamidx1';
/** The magic word, the length of the JSON, and a CRC-32C of all that follows. */
const HEAD_BYTES = MAGIC.length + 8;
const ALIGNMENT = 64;

/** What an index depends on besides the files of the data. */
export interface Keyed {
  readonly index: RecordIndex;
  /** Of the lists beside the data. */
  readonly lists: string;
}

type StoredSplit = Omit<RecordSplit, 'memory' | 'names'> & { readonly blobs: readonly number[] };

interface Stored extends Omit<RecordIndex, 'train' | 'test'> {
  readonly lists: string;
  readonly train: StoredSplit;
  readonly test: StoredSplit | null;
}

/** Errors: UserError where it cannot be written; an old one is untouched then. */
export async function writeIndex(path: string, { index, lists }: Keyed): Promise<void> {
  const { train, test, ...rest } = index;
  const stored: Stored = {
    ...rest,
    lists,
    train: storedSplit(train),
    test: test === null ? null : storedSplit(test),
  };
  const json = Buffer.from(JSON.stringify(stored));
  const blobs = [train, ...(test === null ? [] : [test])].flatMap(blobsOf);
  const pieces: Uint8Array[] = [];
  let at = HEAD_BYTES;
  for (const piece of [json, ...blobs]) {
    pieces.push(piece, Buffer.alloc(padding(at + piece.length)));
    at += piece.length + padding(at + piece.length);
  }
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(json.length, MAGIC.length);
  head.writeUInt32LE(
    pieces.reduce((crc, piece) => crc32c(piece, crc), 0),
    MAGIC.length + 4,
  );
  await writeFileAtomically(path, async (file) => {
    for (const piece of [head, ...pieces]) await file.writeFile(piece);
  });
}

const padding = (at: number): number => (ALIGNMENT - (at % ALIGNMENT)) % ALIGNMENT;

const storedSplit = ({ memory, names, ...rest }: RecordSplit): StoredSplit => ({
  ...rest,
  blobs: [memory.byteLength, ...(names === null ? [] : [4 * (rest.count + 1), names.bytes.length])],
});

/** The index at `path`; null where there is none. `'damaged'`: not as it was written. */
export async function readIndex(path: string): Promise<Keyed | 'damaged' | null> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw unreadable(path, error);
  }
  try {
    return (await readOpen(file)) ?? 'damaged';
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    await file.close();
  }
}

async function readOpen(file: FileHandle): Promise<Keyed | null> {
  const { size } = await file.stat();
  const head = Buffer.alloc(HEAD_BYTES);
  if (size < HEAD_BYTES || !(await fill(file, head, 0))) return null;
  const jsonBytes = head.readUInt32LE(MAGIC.length);
  if (head.toString('latin1', 0, MAGIC.length) !== MAGIC || HEAD_BYTES + jsonBytes > size) {
    return null;
  }
  let at = HEAD_BYTES;
  let crc = 0;
  /** Null where the file ends before. */
  const piece = async (bytes: Uint8Array): Promise<Uint8Array | null> => {
    const gap = Buffer.alloc(padding(at + bytes.length));
    if (at + bytes.length + gap.length > size) return null;
    if (!(await fill(file, bytes, at)) || !(await fill(file, gap, at + bytes.length))) return null;
    crc = crc32c(gap, crc32c(bytes, crc));
    at += bytes.length + gap.length;
    return bytes;
  };
  const json = await piece(Buffer.alloc(jsonBytes));
  const stored = json === null ? null : parse(json);
  if (stored === null) return null;
  const splitOf = async ({ blobs, ...rest }: StoredSplit): Promise<RecordSplit | null> => {
    const pieces: Uint8Array[] = [];
    for (const length of blobs) {
      const bytes = await piece(new Uint8Array(new SharedArrayBuffer(length)));
      if (bytes === null) return null;
      pieces.push(bytes);
    }
    const [columns, starts, bytes] = pieces;
    if (columns === undefined) return null;
    const names =
      starts === undefined || bytes === undefined
        ? null
        : { starts: new Uint32Array(starts.buffer), bytes };
    return { ...rest, memory: columns.buffer as unknown as SharedArrayBuffer, names };
  };
  const { lists, train: storedTrain, test: storedTest, ...rest } = stored;
  const train = await splitOf(storedTrain);
  const test = storedTest === null ? null : await splitOf(storedTest);
  if (train === null || (test === null && storedTest !== null)) return null;
  if (crc !== head.readUInt32LE(MAGIC.length + 4)) return null;
  return { index: { ...rest, train, test }, lists };
}

function parse(json: Uint8Array): Stored | null {
  try {
    return JSON.parse(Buffer.from(json).toString('utf8')) as Stored;
  } catch {
    return null;
  }
}

/** False where the file ends before. */
async function fill(file: FileHandle, bytes: Uint8Array, position: number): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}
