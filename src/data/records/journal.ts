// Parts that are scanned already, kept while an index is made: who is stopped goes on from there.
//
// One file that only grows: an entry is three lengths, its JSON and its columns, with a checksum. What a
// kill leaves half-written at its end is cut off.
import { crc32c } from '@node-rs/crc32';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { unwritable } from '../../util/file-errors.js';
import { bytesOf, columnsOf } from './columns.js';
import type { ScannedPart } from './scan.js';

const HEAD_BYTES = 12;

export interface Journal {
  /** What was found in it. */
  readonly parts: readonly ScannedPart[];
  /** Errors: UserError where it cannot be written, as on a full disk. */
  readonly add: (part: ScannedPart) => void;
  readonly close: () => void;
}

/** Errors: UserError where the file cannot be written. */
export function openJournal(path: string): Journal {
  const written = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw unwritable(path, error);
    }
  };
  const file = written(() => openSync(path, 'a+'));
  const parts: ScannedPart[] = [];
  let end = written(() => readEntries(file, parts));
  written(() => {
    if (fstatSync(file).size > end) ftruncateSync(file, end);
  });
  return {
    parts,
    add: (part) =>
      written(() => {
        const entry = encode(part);
        // A short write is an error at the next one: there is no space.
        for (let at = 0; at < entry.length;) at += writeSync(file, entry, at);
        end += entry.length;
      }),
    close: () => closeSync(file),
  };
}

/** Returns where the last whole entry ends. */
function readEntries(file: number, parts: ScannedPart[]): number {
  const { size } = fstatSync(file);
  const head = Buffer.alloc(HEAD_BYTES);
  for (let at = 0; ;) {
    if (at + HEAD_BYTES > size || readSync(file, head, 0, HEAD_BYTES, at) < HEAD_BYTES) return at;
    const [jsonBytes, bytes, crc] = [0, 4, 8].map((place) => head.readUInt32LE(place));
    if (jsonBytes === undefined || bytes === undefined || at + HEAD_BYTES + bytes > size) return at;
    const body = Buffer.alloc(bytes);
    if (readSync(file, body, 0, bytes, at + HEAD_BYTES) < bytes || crc32c(body) !== crc) return at;
    parts.push(decode(body, jsonBytes));
    at += HEAD_BYTES + bytes;
  }
}

function encode({ columns, ...facts }: ScannedPart): Buffer {
  const json = Buffer.from(JSON.stringify(facts));
  const body = Buffer.concat([json, bytesOf(columns)]);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(crc32c(body), 8);
  return Buffer.concat([head, body]);
}

function decode(body: Buffer, jsonBytes: number): ScannedPart {
  const facts = JSON.parse(body.toString('utf8', 0, jsonBytes)) as Omit<ScannedPart, 'columns'>;
  const columns = columnsOf(facts.keys.length);
  bytesOf(columns).set(body.subarray(jsonBytes));
  return { ...facts, columns };
}
