// The pickled batches of CIFAR: a dictionary of a NumPy uint8 array and a list of labels, read
// without running anything.
import pickleparser from 'pickleparser';
import { UserError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';

interface PickledBatch {
  /** [N D] uint8, as `shape` says. */
  readonly data: Buffer;
  readonly shape: readonly number[];
  /** [N] */
  readonly labels: readonly number[];
}

/**
 * Reads one batch file: protocol 2 as Python 2 and NumPy wrote it, or as Python 3 writes it anew, up
 * to protocol 5.
 * Only the few names such a file needs are resolved, to stand-ins of ours.
 *
 * Errors: UserError when the bytes are no such pickle, or name anything else.
 */
export function readPickledBatch(bytes: Buffer, path: string, labelKey: string): PickledBatch {
  try {
    const parser = new pickleparser.Parser({
      nameResolver: { resolve: resolveName },
      unpicklingTypeOfDictionary: 'Map',
    });
    const batch = dictionary(parser.read(new ByteStringReader(bytes)));
    const data = batch.get('data');
    const labels = batch.get(labelKey);
    if (!(data instanceof ArrayStandIn)) throw new Error('its key data is no NumPy array');
    if (!isIntegers(labels)) throw new Error(`its key ${labelKey} is no list of integers`);
    return { data: data.bytes, shape: data.shape, labels };
  } catch (error) {
    throw new UserError(
      `${path}: is not an intact pickled CIFAR batch (${messageOf(error)}); get the file again`,
    );
  }
}

/**
 * Python 2's byte strings hold pixels: one character a byte, where the library's own reader would
 * decode them as text.
 */
class ByteStringReader extends pickleparser.BufferReader {
  override string(size: number, encoding: 'ascii' | 'utf-8'): string {
    const bytes = this.bytes(size);
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return view.toString(encoding === 'ascii' ? 'latin1' : 'utf8');
  }
}

/** Stands for numpy.ndarray while its state is read. */
class ArrayStandIn {
  shape: readonly number[] = [];
  bytes: Buffer = Buffer.alloc(0);

  /** NumPy's state of an array: (version, shape, dtype, Fortran order, bytes). */
  __setstate__(state: unknown): void {
    if (!Array.isArray(state)) throw new Error('an array without state');
    const [, shape, dtype, fortranOrder, bytes] = state as unknown[];
    if (!isIntegers(shape)) throw new Error('an array without shape');
    if (!(dtype instanceof TypeStandIn)) throw new Error('an array without dtype');
    if (dtype.code !== 'u1') throw new Error(`an array of dtype ${String(dtype.code)}, wanted u1`);
    if (fortranOrder !== false) throw new Error('an array in Fortran order, wanted C order');
    this.shape = shape;
    this.bytes = toBytes(bytes);
    const size = shape.reduce((product, length) => product * length, 1);
    if (this.bytes.length !== size) {
      throw new Error(`an array of ${this.bytes.length} bytes, its shape wants ${size}`);
    }
  }
}

/** Stands for numpy.dtype; its state (byte order, alignment) says nothing about single bytes. */
class TypeStandIn {
  constructor(readonly code: unknown) {}
  __setstate__(): void {
    return;
  }
}

/** NumPy's _frombuffer(bytes, dtype, shape, order). */
function arrayOf(bytes: unknown, dtype: unknown, shape: unknown, order: unknown): ArrayStandIn {
  const array = new ArrayStandIn();
  array.__setstate__([1, shape, dtype, order !== 'C', bytes]);
  return array;
}

const STAND_INS = new Map<string, (...args: unknown[]) => unknown>([
  ['numpy.core.multiarray._reconstruct', () => new ArrayStandIn()],
  ['numpy._core.multiarray._reconstruct', () => new ArrayStandIn()],
  ['numpy.ndarray', () => new ArrayStandIn()],
  // How NumPy pickles an array in protocol 5.
  ['numpy.core.numeric._frombuffer', arrayOf],
  ['numpy._core.numeric._frombuffer', arrayOf],
  ['numpy.dtype', (code: unknown) => new TypeStandIn(code)],
  // How Python 3 writes bytes in protocol 2: text of one character a byte, and this call.
  ['_codecs.encode', (text: unknown) => toBytes(text)],
]);

function resolveName(module: string, name: string): (...args: unknown[]) => unknown {
  const standIn = STAND_INS.get(`${module}.${name}`);
  if (standIn === undefined) throw new Error(`it names ${module}.${name}`);
  return standIn;
}

function dictionary(value: unknown): Map<string, unknown> {
  if (!(value instanceof Map)) throw new Error('it holds no dictionary');
  const entries = [...(value as Map<unknown, unknown>)];
  return new Map(entries.map(([key, item]) => [toBytes(key).toString('latin1'), item]));
}

function toBytes(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length);
  throw new Error('a string was wanted');
}

function isIntegers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(Number.isInteger);
}
