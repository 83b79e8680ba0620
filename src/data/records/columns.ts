// The numbers of all records, one typed array a fact, in one buffer.
import { InternalError } from '../../util/errors.js';

/** Wide ones first, so that each begins at a multiple of its width. 38 bytes a record. */
const TYPES = {
  /** Of the picture, in bytes of its file. */
  offset: Float64Array,
  length: Uint32Array,
  /** What is read along with it: see `Extent`. */
  lead: Uint32Array,
  span: Uint32Array,
  stamp: Uint32Array,
  /** From 0. */
  label: Int32Array,
  /** Which part it is in. */
  part: Uint32Array,
  /** In pixels. */
  width: Uint16Array,
  height: Uint16Array,
  /** Index in `KINDS`. */
  kind: Uint8Array,
  /** Values of a pixel. */
  components: Uint8Array,
} as const;

type Name = keyof typeof TYPES;
export type Columns = { readonly [N in Name]: InstanceType<(typeof TYPES)[N]> };

/** `faulty`: no picture, or one cut short; its numbers are 0. */
export const KINDS = ['faulty', 'jpeg', 'png'] as const;

const NAMES = Object.keys(TYPES) as Name[];

const BYTES_A_RECORD = NAMES.reduce((sum, name) => sum + TYPES[name].BYTES_PER_ELEMENT, 0);

/** Views of `buffer`, or of new memory. */
export function columnsOf(
  count: number,
  buffer: ArrayBufferLike = new ArrayBuffer(columnBytes(count)),
  start = 0,
): Columns {
  let at = start;
  const columns = Object.fromEntries(
    NAMES.map((name) => {
      const column = new TYPES[name](buffer as ArrayBuffer, at, count);
      at += column.byteLength;
      return [name, column];
    }),
  );
  return columns as unknown as Columns;
}

export const columnBytes = (count: number): number => count * BYTES_A_RECORD;

/** All of them as they lie in memory. */
export function bytesOf(columns: Columns): Uint8Array {
  const { buffer, byteOffset, length } = columns.offset;
  return new Uint8Array(buffer, byteOffset, columnBytes(length));
}

/** Copies record `from` of one set of columns to `to` of another. */
export function copyRecord(source: Columns, from: number, target: Columns, to: number): void {
  for (const name of NAMES) {
    const value = source[name][from];
    if (value === undefined) throw new InternalError(`${name} has no record ${from}`);
    target[name][to] = value;
  }
}
