// Protocol buffers in a file, field by field, without reading what lies within a field.
//
// protobufjs decodes a message that is in memory as a whole; of an Example of 100 kB we want a
// label of a few bytes. https://protobuf.dev/programming-guides/encoding
import type { FileBytes } from './file-bytes.js';

interface WireField {
  readonly number: number;
  /** Of the content of a length-delimited field; of the bytes of any other. */
  readonly start: number;
  readonly end: number;
  readonly type: 'varint' | 'bytes' | 'fixed';
}

/** The bytes are no message. */
export class WireError extends Error {}

/** Errors: WireError where the bytes from `start` to `end` are no message. */
export function* wireFields(
  bytes: FileBytes,
  start: number,
  end: number,
): Generator<WireField, void> {
  for (let at = start; at < end;) {
    const tag = readVarint(bytes, at, end);
    const number = Math.floor(tag.value / 8);
    const type = tag.value % 8;
    at = tag.end;
    if (number === 0) throw new WireError('a field has number 0');
    if (type === 0) {
      const { end: next } = readVarint(bytes, at, end);
      yield { number, start: at, end: next, type: 'varint' };
      at = next;
    } else if (type === 2) {
      const length = readVarint(bytes, at, end);
      const next = length.end + length.value;
      if (next > end) throw new WireError('a field ends behind its message');
      yield { number, start: length.end, end: next, type: 'bytes' };
      at = next;
    } else if (type === 1 || type === 5) {
      const next = at + (type === 1 ? 8 : 4);
      if (next > end) throw new WireError('a field ends behind its message');
      yield { number, start: at, end: next, type: 'fixed' };
      at = next;
    } else {
      throw new WireError(`a field has wire type ${type}`);
    }
  }
}

/** `value` is exact up to 2^53, and of int64's negative numbers -1. */
export function readVarint(
  bytes: FileBytes,
  start: number,
  end: number,
): { readonly value: number; readonly end: number } {
  let value = 0;
  let factor = 1;
  for (let at = start; at < Math.min(end, start + 10); at++) {
    const byte = bytes.byte(at);
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) return { value: at === start + 9 ? -1 : value, end: at + 1 };
  }
  throw new WireError('a number has no end');
}
