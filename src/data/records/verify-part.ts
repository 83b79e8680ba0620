// Reads and decodes the records of one part of a set, or of a share of them, for `verifyShards`.
import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import { maskedCrc } from './crc.js';
import { CRC_DIFFERS, opened, readSpan } from './read-record.js';
import type { Part, PictureFacts, ScannedRecord } from './record.js';
import { scanRecords } from './scan.js';

/** The records of a part whose number belongs to share `share` of `shares`. */
export interface VerifyTask {
  readonly part: Part;
  readonly share: number;
  readonly shares: number;
  /** What the file's sha256 should be; null: it is not looked at. */
  readonly sha256: string | null;
}

interface PartFault {
  /** Number of the record in its part. */
  readonly at: number;
  /** Null where the file as a whole is meant. */
  readonly record: string | null;
  readonly reason: string;
}

export interface Findings {
  /** Of the share, those that were read. */
  readonly records: number;
  readonly faults: readonly PartFault[];
  readonly sha256Differs: boolean;
}

/** What is wrong with a picture; null where all of it can be decoded. */
export type Decode = (picture: Uint8Array, facts: PictureFacts) => string | null;

/** Numbers that belong to one share lie together, so many at a time: what a disk reads ahead is used. */
const TOGETHER = 64;

/** What is true of the whole file is told by share 0 alone. What follows a damaged header cannot be read. */
export function verifyPart({ part, share, shares, sha256 }: VerifyTask, decode: Decode): Findings {
  const reader = new SpanReader(part);
  const faults: PartFault[] = [];
  let records = 0;
  let at = 0;
  let sha256Differs = false;
  try {
    for (const record of scanRecords(part)) {
      if (Math.floor(at / TOGETHER) % shares === share) {
        const reason = faultOf(reader, record, decode);
        if (reason !== null) faults.push({ at, record: record.name, reason });
        records++;
      }
      at++;
    }
  } catch (error) {
    const reason = `${reasonOf(part.path, error)}; what follows was not read`;
    if (share === 0) faults.push({ at, record: null, reason });
  } finally {
    reader.close();
  }
  try {
    if (share === 0 && sha256 !== null) sha256Differs = sha256Of(part.path) !== sha256;
  } catch (error) {
    faults.push({ at, record: null, reason: reasonOf(part.path, error) });
  }
  return { records, faults, sha256Differs };
}

function faultOf(reader: SpanReader, record: ScannedRecord, decode: Decode): string | null {
  const { path, part } = reader;
  let read: Uint8Array | null;
  try {
    read = reader.read(record);
  } catch (error) {
    return reasonOf(part.kind === 'folder' ? join(path, record.name) : path, error);
  }
  if (read === null) return 'has become shorter while it was read';
  if (part.kind === 'tfrecord' && maskedCrc(read) !== record.stamp) return CRC_DIFFERS;
  if ('fault' in record.picture) return record.picture.fault;
  return decode(read.subarray(record.lead, record.lead + record.length), record.picture);
}

/** Of an error of the user's, whose message begins with the file. */
function reasonOf(path: string, error: unknown): string {
  if (!(error instanceof UserError)) throw error;
  return error.message.replace(`${path}: `, '');
}

/** Reads records of a part, all into the same memory. */
class SpanReader {
  readonly path: string;
  #room = new Uint8Array(0);
  /** Of a shard, once something is read. */
  #file: number | null = null;

  constructor(readonly part: Part) {
    this.path = part.path;
  }

  /** Null where the file ends before. Errors: UserError where it cannot be read. */
  read(record: ScannedRecord): Uint8Array | null {
    if (this.#room.length < record.span) this.#room = new Uint8Array(record.span);
    if (this.part.kind !== 'folder') {
      this.#file ??= opened(this.path);
      return readSpan(this.path, this.#file, record, this.#room);
    }
    const path = join(this.path, record.name);
    const file = opened(path);
    try {
      return readSpan(path, file, record, this.#room);
    } finally {
      closeSync(file);
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}

/** Bytes at a time. */
const CHUNK = 2 ** 20;

function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(CHUNK);
  const file = opened(path);
  try {
    for (let got = 1; got > 0;) {
      got = readSync(file, chunk, 0, CHUNK, null);
      hash.update(chunk.subarray(0, got));
    }
    return hash.digest('hex');
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    closeSync(file);
  }
}
