// Reads and decodes every record of a set, and tells what is wrong with any.
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { unlessAborted } from '../../util/abort.js';
import type { UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import { startCrew, type Crew } from './crew.js';
import { findSplit, refuseNothing } from './find.js';
import { MANIFEST_NAME, readManifest, type Manifest } from './manifest.js';
import type { Part } from './record.js';
import type { Findings, VerifyTask } from './verify-part.js';

export interface ShardFault {
  readonly file: string;
  /** Null where the file as a whole is meant. */
  readonly record: string | null;
  readonly reason: string;
}

export type VerifyCrew = Crew<VerifyTask, Findings>;

export interface VerifyOptions {
  /** Asked for when something is there to read; closed at the end. */
  readonly crew: () => VerifyCrew;
  readonly onProgress?: (progress: {
    readonly parts: number;
    readonly partsDone: number;
    readonly records: number;
  }) => void;
  readonly signal?: AbortSignal;
}

/** TensorFlow is open already. */
export const startVerifyCrew = (workers: number): VerifyCrew =>
  startCrew(new URL('./verify-worker.js', import.meta.url), workers);

/**
 * Reads every record of both splits: its checksum, its picture, all of which is decoded, and where there
 * is a manifest the file's sha256 and count. Yields each fault, in an order that does not depend on the
 * crew; what follows a damaged header in its file cannot be read.
 *
 * Errors: UserError where `directory` holds no set, or a manifest that is damaged; the signal's reason.
 */
export async function* verifyShards(
  directory: string,
  { crew, onProgress, signal }: VerifyOptions,
): AsyncGenerator<ShardFault, void> {
  const before: ShardFault[] = [];
  const onFault = ({ message }: UserError, file: string) =>
    before.push({ file, record: null, reason: message.replace(`${file}: `, '') });
  const splits = [
    await unlessAborted(signal, findSplit(directory, 'train', onFault)),
    await unlessAborted(signal, findSplit(directory, 'test', onFault)),
  ];
  const parts = splits.flatMap((split) => split?.parts ?? []);
  if (parts.length === 0 && before.length === 0) await refuseNothing(directory);
  const manifest = await readManifest(directory);
  if (manifest?.complete === false) {
    const reason = 'says that not all shards are written; run the same fsam data shard again';
    yield { file: join(directory, MANIFEST_NAME), record: null, reason };
  }
  yield* before;
  const threads = crew();
  try {
    let [partsDone, records] = [0, 0];
    const shares = await unlessAborted(signal, Promise.all(parts.map(sharesOf)));
    const verified = parts.map(async (part, i) => {
      const most = Math.min(threads.size, shares[i] ?? 1);
      const findings = await verifyInShares(part, most, threads, manifest);
      partsDone++;
      records += findings.records;
      onProgress?.({ parts: parts.length, partsDone, records });
      return faultsOf(part, findings, manifest);
    });
    // What fails is told when its turn comes.
    for (const faults of verified) faults.catch(() => undefined);
    for (const faults of verified) yield* await unlessAborted(signal, faults);
  } finally {
    threads.close();
  }
}

/** All threads take part in what holds more than one of them goes through in a while. */
async function verifyInShares(
  part: Part,
  shares: number,
  crew: VerifyCrew,
  manifest: Manifest | null,
): Promise<Findings> {
  const sha256 = entryOf(part, manifest)?.sha256 ?? null;
  const found = await Promise.all(
    Array.from({ length: shares }, (_, share) => crew.run({ part, share, shares, sha256 })),
  );
  return {
    records: found.reduce((sum, { records }) => sum + records, 0),
    faults: found.flatMap(({ faults }) => faults).sort((a, b) => a.at - b.at),
    sha256Differs: found.some(({ sha256Differs }) => sha256Differs),
  };
}

/** Of a part, so that to read all its headers for each takes little beside the pictures. */
const [SHARE_BYTES, SHARE_FILES] = [2 ** 30, 2 ** 13];

async function sharesOf({ kind, path, range }: Part): Promise<number> {
  try {
    const shares =
      kind === 'folder'
        ? (await readdir(path)).length / SHARE_FILES
        : (range === null ? (await stat(path)).size : range.to - range.from) / SHARE_BYTES;
    return Math.max(1, Math.ceil(shares));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function faultsOf(
  part: Part,
  { records, faults, sha256Differs }: Findings,
  manifest: Manifest | null,
): ShardFault[] {
  const file = part.path;
  const entry = entryOf(part, manifest);
  const told = faults.map(({ record, reason }) => ({ file, record, reason }));
  if (entry !== undefined && records !== entry.records) {
    const reason = `has ${records} records that can be read, wanted ${entry.records} (manifest.json)`;
    told.push({ file, record: null, reason });
  }
  if (sha256Differs) {
    const reason = 'has another sha256 than manifest.json says';
    told.push({ file, record: null, reason });
  }
  return told;
}

const entryOf = ({ path }: Part, manifest: Manifest | null) =>
  manifest?.shards.find(({ file }) => file === basename(path));
