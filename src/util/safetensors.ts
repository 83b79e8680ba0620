// The safetensors format: float32 tensors with names and shapes in one file, written and read one
// tensor at a time.
import { createHash, type Hash } from 'node:crypto';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { writeFileAtomically } from './atomic-file.js';
import { UserError } from './errors.js';
import { repeatedKey } from './json.js';
import { refuseUnlessRegular, unreadable } from './file-errors.js';

/**
 * Format: https://github.com/huggingface/safetensors (README, "Format"): the header's length as 8
 * bytes, little-endian; the header, JSON, filled up with spaces; the tensors' elements,
 * little-endian, row by row, without gaps.
 *
 * `__metadata__` holds texts only. Ours has one more, `sha256`: of the header as JSON without it,
 * followed by the elements.
 */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * A tensor of a file that has not been read yet; `start` counts bytes from the first element of the
 * first tensor.
 */
export interface TensorEntry {
  readonly name: string;
  /** `F32` in every file of ours. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their elements in the file. */
  readonly tensors: readonly TensorEntry[];
  /** Where the elements begin in the file. */
  readonly dataStart: number;
}

type Metadata = Readonly<Record<string, string>>;

/** Bytes of an element, of every dtype that the format has. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 },
  ...{ I64: 8, I32: 4, I16: 2, I8: 1, U64: 8, U32: 4, U16: 2, U8: 1, BOOL: 1 },
};
const LENGTH_BYTES = 8;
/** The limit of the reference implementation. */
const LARGEST_HEADER = 100_000_000;

/**
 * Writes the file whole or not at all. Nothing is copied: each tensor goes from its own memory to
 * the disk.
 *
 * Errors: UserError when it cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly Tensor[],
  metadata: Metadata,
): Promise<void> {
  const entries: Record<string, unknown> = {};
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const start = end;
    end += data.byteLength;
    entries[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const hash = createHash('sha256').update(JSON.stringify({ __metadata__: metadata, ...entries }));
  for (const { data } of tensors) hash.update(bytesOf(data));
  const checked = { ...metadata, sha256: hash.digest('hex') };
  const header = Buffer.from(JSON.stringify({ __metadata__: checked, ...entries }));
  const length = Math.ceil(header.length / LENGTH_BYTES) * LENGTH_BYTES;
  const opening = Buffer.alloc(LENGTH_BYTES + length, ' ');
  opening.writeBigUInt64LE(BigInt(length));
  header.copy(opening, LENGTH_BYTES);
  await writeFileAtomically(path, async (file) => {
    await file.writeFile(opening);
    for (const { data } of tensors) await file.writeFile(bytesOf(data));
  });
}

/**
 * Errors: UserError, one line that begins with the path, when the file cannot be read, is no
 * safetensors file, or was cut short.
 */
export async function readHeader(path: string): Promise<Header> {
  return withFile(path, (file) => headerOf(file, path));
}

/**
 * Reads every tensor's elements, in the order of the file, to where `target` says.
 *
 * Errors: UserError when the file cannot be read or is not what was written. `target`'s memory is
 * then partly filled.
 */
export async function readTensors(
  path: string,
  target: (entry: TensorEntry) => Float32Array,
): Promise<void> {
  await withFile(path, async (file) => {
    const header = await headerOf(file, path);
    const { metadata, tensors, dataStart } = header;
    const other = tensors.find(({ dtype }) => dtype !== 'F32');
    if (other !== undefined) {
      throw new UserError(
        `${path}: tensor ${other.name} is of dtype ${other.dtype}, wanted F32, which all of a checkpoint is`,
      );
    }
    const hash = checksumOf(header);
    for (const entry of tensors) {
      const bytes = bytesOf(target(entry));
      await readExactly(file, bytes, dataStart + entry.start, path);
      hash.update(bytes);
    }
    refuseOtherChecksum(path, metadata, hash);
  });
}

/** The checksum of files of ours, as far as the header decides it: the elements follow. */
export function checksumOf({ metadata, tensors }: Header): Hash {
  const rest = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'sha256'));
  const entries = tensors.map(({ name, dtype, shape, start, end }) => [
    name,
    { dtype, shape, data_offsets: [start, end] },
  ]);
  const unchecked = { __metadata__: rest, ...(Object.fromEntries(entries) as object) };
  return createHash('sha256').update(JSON.stringify(unchecked));
}

/** Errors: UserError where the content is not what the file says that it is. */
export function refuseOtherChecksum(path: string, { sha256 }: Metadata, hash: Hash): void {
  if (sha256 !== hash.digest('hex')) {
    throw damaged(path, 'its content does not match its checksum');
  }
}

export async function headerOf(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat();
  if (size < LENGTH_BYTES) throw damaged(path, `it ends after ${size} bytes`);
  const prefix = Buffer.alloc(LENGTH_BYTES);
  await readExactly(file, prefix, 0, path);
  const length = Number(prefix.readBigUInt64LE());
  if (length < 2 || length > LARGEST_HEADER) {
    // Zip archives, and pickles of the protocols 2 to 5, as torch.save writes them.
    if (/^(504b0304|800[2-5])/.test(prefix.toString('hex'))) {
      throw new UserError(
        `${path}: looks like a file of torch.save (.pth, .pt, .bin), wanted a safetensors file; in Python: ` +
          "safetensors.torch.save_file(state_dict, 'model.safetensors'), with the state_dict that torch.load(..., weights_only=True) gives",
      );
    }
    const start = prefix.toString('utf8');
    if (start === 'version ') {
      throw new UserError(
        `${path}: is a pointer of Git LFS, not the file itself; git lfs pull fetches that`,
      );
    }
    // \s has a byte order mark, too.
    if (/^\s*<[!?a-z]/i.test(start)) {
      throw new UserError(
        `${path}: is a web page, wanted a safetensors file: what was fetched is not the file`,
      );
    }
    throw damaged(path, `its header cannot be ${length} bytes long`);
  }
  const dataStart = LENGTH_BYTES + length;
  if (dataStart > size) {
    throw damaged(path, `it ends after ${size} bytes, in its header of ${length} bytes`);
  }
  const text = Buffer.alloc(length);
  await readExactly(file, text, LENGTH_BYTES, path);
  const { __metadata__: metadata = {}, ...entries } = parseHeader(text, path);
  if (!isTexts(metadata)) throw damaged(path, '__metadata__ holds something else than texts');
  const tensors = Object.entries(entries)
    .map(([name, entry]) => checkEntry(name, entry, path))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  checkOffsets(tensors, size - dataStart, path);
  return { metadata, tensors, dataStart };
}

function parseHeader(text: Buffer, path: string): Record<string, unknown> {
  let header: unknown;
  let repeated: string | null;
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(text);
    header = JSON.parse(json);
    repeated = repeatedKey(json);
  } catch {
    throw damaged(path, 'its header is not JSON');
  }
  // JSON.parse takes the last one, other readers another.
  if (repeated !== null) throw damaged(path, `its header has ${repeated} twice`);
  if (!isRecord(header)) throw damaged(path, 'its header is not a JSON object');
  return header;
}

function checkEntry(name: string, entry: unknown, path: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  const size = typeof dtype === 'string' ? SIZES[dtype] : undefined;
  if (size === undefined) {
    throw damaged(
      path,
      `${name}: dtype ${show(dtype)}, wanted one of ${Object.keys(SIZES).join(', ')}`,
    );
  }
  if (!isSizes(shape)) throw damaged(path, `${name}: shape ${show(shape)}, wanted a list of sizes`);
  const [start, end] = isSizes(offsets) && offsets.length === 2 ? offsets : [];
  const wanted = shape.reduce((product, length) => product * length, size);
  if (start === undefined || end === undefined || end - start !== wanted) {
    throw damaged(path, `${name}: data_offsets ${show(offsets)}, wanted two ${wanted} bytes apart`);
  }
  return { name, dtype: dtype as string, shape, start, end };
}

/** `tensors` in the order of their elements. */
function checkOffsets(tensors: readonly TensorEntry[], dataBytes: number, path: string): void {
  let end = 0;
  for (const tensor of tensors) {
    if (tensor.start !== end) {
      const problem = tensor.start < end ? 'overlaps the tensor before it' : 'follows a gap';
      throw damaged(path, `${tensor.name}: starts at byte ${tensor.start} and ${problem}`);
    }
    end = tensor.end;
  }
  if (end === dataBytes) return;
  const problem = end > dataBytes ? 'it was cut short' : 'something was added at its end';
  throw damaged(path, `it has ${dataBytes} bytes of elements, wanted ${end}: ${problem}`);
}

export async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | null = null;
  try {
    // Of a pipe the opening itself would wait.
    refuseUnlessRegular(path, await stat(path));
    file = await open(path, 'r');
    return await use(file);
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unreadable(path, error) : error;
  } finally {
    await file?.close();
  }
}

export async function readExactly(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw damaged(path, 'it was cut short while it was read');
    done += bytesRead;
  }
}

/**
 * The same memory as bytes. Every machine that Node supports and TensorFlow runs on is
 * little-endian.
 */
function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function damaged(path: string, problem: string): UserError {
  return new UserError(`${path}: is no intact safetensors file: ${problem}`);
}

function show(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === 'string');
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
