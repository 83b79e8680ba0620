// Reads every record of a set, and tells what is wrong with any.
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import { maskedCrc } from './crc.js';
import { findSplit, refuseNothing } from './find.js';
import { MANIFEST_NAME, readManifest, type Manifest } from './manifest.js';
import { CRC_DIFFERS, readSpan } from './read-record.js';
import type { Part, PictureFacts, ScannedRecord } from './record.js';
import { scanRecords } from './scan.js';

export interface ShardFault {
  readonly file: string;
  /** Null where the file as a whole is meant. */
  readonly record: string | null;
  readonly reason: string;
}

export interface VerifyOptions {
  /** What is wrong with a picture; null where it can be decoded. */
  readonly decode: (
    picture: Uint8Array,
    facts: PictureFacts,
  ) => string | null | Promise<string | null>;
  readonly onProgress?: (progress: {
    readonly parts: number;
    readonly partsDone: number;
    readonly records: number;
  }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Reads every record of both splits: its checksum, its picture, and where there is a manifest the
 * file's sha256 and count. Yields each fault; what follows a damaged header in its file cannot be read.
 *
 * Errors: UserError where `directory` holds no set, or a manifest that is damaged; the signal's reason.
 */
export async function* verifyShards(
  directory: string,
  options: VerifyOptions,
): AsyncGenerator<ShardFault, void> {
  const gaps: UserError[] = [];
  const onGap = (gap: UserError) => gaps.push(gap);
  const splits = [
    await findSplit(directory, 'train', onGap),
    await findSplit(directory, 'test', onGap),
  ];
  const parts = splits.flatMap((split) => split?.parts ?? []);
  if (parts.length === 0) await refuseNothing(directory);
  const manifest = await readManifest(directory);
  if (manifest?.complete === false) {
    const reason = 'says that not all shards are written; run the same fsam data shard again';
    yield { file: join(directory, MANIFEST_NAME), record: null, reason };
  }
  for (const { message } of gaps) yield wholeFault(directory, message);
  let records = 0;
  for (const [partsDone, part] of parts.entries()) {
    let count = 0;
    for await (const fault of verifyPart(part, options)) {
      if (fault !== null) yield fault;
      else count++;
      options.onProgress?.({ parts: parts.length, partsDone, records: records + count });
    }
    records += count;
    yield* compareWithManifest(part, count, manifest);
  }
  options.onProgress?.({ parts: parts.length, partsDone: parts.length, records });
}

/** Null for each record that was read, after its faults. */
async function* verifyPart(
  part: Part,
  { decode, signal }: VerifyOptions,
): AsyncGenerator<ShardFault | null, void> {
  try {
    for (const record of scanRecords(part)) {
      const fault = await verifyRecord(part, record, decode);
      if (fault !== null) yield { file: part.path, record: record.name, reason: fault };
      yield null;
      await letOthersRun();
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    yield wholeFault(part.path, `${error.message}; what follows was not read`);
  }
}

async function verifyRecord(
  part: Part,
  record: ScannedRecord,
  decode: VerifyOptions['decode'],
): Promise<string | null> {
  const path = part.kind === 'folder' ? join(part.path, record.name) : part.path;
  const room = Buffer.allocUnsafe(record.span);
  const file = openSync(path, 'r');
  try {
    const read = readSpan(path, file, record, room);
    if (read === null) return 'has become shorter while it was read';
    if (part.kind === 'tfrecord' && maskedCrc(read) !== record.stamp) return CRC_DIFFERS;
    if ('fault' in record.picture) return record.picture.fault;
    return await decode(read.subarray(record.lead, record.lead + record.length), record.picture);
  } finally {
    closeSync(file);
  }
}

/** Of an error whose message begins with the file. */
const wholeFault = (file: string, message: string): ShardFault => ({
  file,
  record: null,
  reason: message.replace(`${file}: `, ''),
});

async function* compareWithManifest(
  { path }: Part,
  count: number,
  manifest: Manifest | null,
): AsyncGenerator<ShardFault, void> {
  const entry = manifest?.shards.find(({ file }) => file === basename(path));
  if (entry === undefined) return;
  if (count !== entry.records) {
    const reason = `has ${count} records that can be read, wanted ${entry.records} (manifest.json)`;
    yield { file: path, record: null, reason };
  }
  if ((await sha256Of(path)) !== entry.sha256) {
    yield { file: path, record: null, reason: 'has another sha256 than manifest.json says' };
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest('hex');
}
