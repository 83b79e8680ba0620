// Writes a set of pictures, in whatever form it is held, as shards of mixed classes.
import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryPath, writeFileAtomically } from '../../util/atomic-file.js';
import { UserError } from '../../util/errors.js';
import { unwritable } from '../../util/file-errors.js';
import { listFolder, makeFolders } from '../../util/folders.js';
import { acquireLock } from '../../util/lock.js';
import { randomStream } from '../../util/random.js';
import type { IndexOptions } from './build-index.js';
import { KINDS } from './columns.js';
import {
  emptyManifest,
  MANIFEST_NAME,
  readManifest,
  refuseAnother,
  writeManifest,
  type Manifest,
  type ShardEntry,
} from './manifest.js';
import { openIndex } from './open-index.js';
import { RecordReader } from './read-record.js';
import { columnsOfSplit, type RecordIndex, type RecordSplit } from './record-index.js';
import { SHARD_WRITERS, shardName, type RecordToWrite, type ShardFormat } from './shard-writers.js';

export interface ShardOptions {
  readonly from: string;
  readonly to: string;
  readonly format: ShardFormat;
  /** Of the training set; of the other in proportion. */
  readonly shards: number;
  /** Decides which record goes where. */
  readonly seed: number;
  readonly index?: Omit<IndexOptions, 'signal'>;
  readonly onProgress?: (progress: { readonly done: number; readonly records: number }) => void;
  readonly signal?: AbortSignal;
}

/** One shard as it is to be written. */
interface ShardPlan {
  readonly file: string;
  readonly split: RecordSplit;
  /** Numbers of its records, in their order. */
  readonly records: Int32Array;
}

/**
 * Writes the shards into `to`, with classes.txt and manifest.json. Shards that an earlier call with the
 * same arguments has finished are kept.
 *
 * Errors: UserError where a picture is damaged, there are fewer records than shards, `to` holds
 * anything else, or cannot be written; the signal's reason.
 */
export async function shardFolder(options: ShardOptions): Promise<Manifest> {
  const { from, to, format, seed, signal } = options;
  const index = await openIndex(from, { ...options.index, ...(signal && { signal }) });
  refuseFaults(index);
  const plans = planOf(index, options);
  const splits = Object.fromEntries(
    splitsOf(index, options).map(({ name, split, shards }) => [
      name,
      { records: split.count, shards },
    ]),
  );
  await makeFolders(to);
  const lock = await acquireLock(join(to, '.fsam-shards.lock'));
  try {
    const wanted = emptyManifest({ format, seed, classes: index.classes, splits }, sourceOf(index));
    const finished = await finishedShards(to, wanted);
    if (index.classNames !== null) {
      await writeFileAtomically(join(to, 'classes.txt'), `${index.classNames.join('\n')}\n`);
    }
    return await writeShards(plans, { ...wanted, shards: finished }, index, options);
  } finally {
    await lock.release();
  }
}

function refuseFaults({ train, test }: RecordIndex): void {
  const faults = [...train.faults, ...(test?.faults ?? [])];
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more are damaged)` : '';
  throw new UserError(
    `${first.file}: ${first.name} ${first.reason}${more}; take it away, or get it again`,
  );
}

function splitsOf(
  { train, test }: RecordIndex,
  { shards }: ShardOptions,
): { readonly name: string; readonly split: RecordSplit; readonly shards: number }[] {
  if (shards > train.count) {
    throw new UserError(`--shards ${shards}: wanted at most ${train.count}, a record each`);
  }
  const others = test === null ? 0 : Math.round((shards * test.count) / train.count);
  return [
    { name: 'train', split: train, shards },
    ...(test === null
      ? []
      : [
          {
            name: 'validation',
            split: test,
            shards: Math.min(test.count, Math.max(1, others)),
          },
        ]),
  ];
}

function planOf(index: RecordIndex, options: ShardOptions): ShardPlan[] {
  return splitsOf(index, options).flatMap(({ name, split, shards }, place) => {
    const order = randomStream(options.seed, 'sharding', place).permutation(split.count);
    const start = (number: number) => Math.floor((number * split.count) / shards);
    return Array.from({ length: shards }, (_, number) => ({
      file: shardName(options.format, name, number, shards),
      split,
      records: order.slice(start(number), start(number + 1)),
    }));
  });
}

/** From which a call that goes on tells the same pictures. */
function sourceOf({ train, test }: RecordIndex): string {
  const hash = createHash('sha256');
  for (const split of [train, test]) {
    if (split === null) continue;
    const { length, label, width, height } = columnsOfSplit(split);
    for (const column of [length, label, width, height]) {
      hash.update(Buffer.from(column.buffer, column.byteOffset, column.byteLength));
    }
  }
  return hash.digest('hex');
}

/** Errors: UserError where `to` holds what this call did not begin. */
async function finishedShards(to: string, wanted: Manifest): Promise<ShardEntry[]> {
  const found = await readManifest(to);
  if (found !== null) {
    refuseAnother(join(to, MANIFEST_NAME), found, wanted);
    return found.shards;
  }
  const stranger = (await listFolder(to))?.find((name) => !name.startsWith('.'));
  if (stranger === undefined) return [];
  throw new UserError(
    `${join(to, stranger)}: is there already; wanted an empty folder for the shards: name another with --to`,
  );
}

async function writeShards(
  plans: readonly ShardPlan[],
  begun: Manifest,
  { classNames }: RecordIndex,
  { to, format, onProgress, signal }: ShardOptions,
): Promise<Manifest> {
  let manifest = begun;
  const records = plans.reduce((sum, plan) => sum + plan.records.length, 0);
  const readers = new Map<RecordSplit, RecordReader>();
  let done = 0;
  try {
    for (const plan of plans) {
      if (!manifest.shards.some(({ file }) => file === plan.file)) {
        const reader = readers.get(plan.split) ?? new RecordReader(plan.split);
        readers.set(plan.split, reader);
        const shard = await writeShard(
          plan,
          format,
          to,
          recordsOf(plan, reader, classNames),
          () => {
            signal?.throwIfAborted();
            onProgress?.({ done: ++done, records });
          },
        );
        manifest = { ...manifest, shards: [...manifest.shards, shard] };
        await writeManifest(to, manifest);
      } else done += plan.records.length;
    }
  } finally {
    for (const reader of readers.values()) reader.close();
  }
  manifest = { ...manifest, complete: true };
  await writeManifest(to, manifest);
  onProgress?.({ done, records });
  return manifest;
}

function* recordsOf(
  { split, records }: ShardPlan,
  reader: RecordReader,
  classNames: readonly string[] | null,
): Generator<RecordToWrite, void> {
  const { label, kind, width, height, components } = columnsOfSplit(split);
  const room = Buffer.alloc(split.largestSpan);
  for (const i of records) {
    const bytes = reader.read(i, room);
    const picture = KINDS[kind[i] ?? 0] === 'png' ? 'png' : 'jpeg';
    yield {
      bytes,
      label: label[i] ?? 0,
      className: classNames?.[label[i] ?? 0] ?? null,
      fileName: `${reader.keyOf(i)}.${picture === 'png' ? 'png' : 'JPEG'}`,
      kind: picture,
      width: width[i] ?? 0,
      height: height[i] ?? 0,
      components: components[i] ?? 0,
    };
  }
}

async function writeShard(
  { file, records }: ShardPlan,
  format: ShardFormat,
  to: string,
  contents: Generator<RecordToWrite, void>,
  onRecord: () => void,
): Promise<ShardEntry> {
  const path = join(to, file);
  const temporary = temporaryPath(path);
  const hash = createHash('sha256');
  let bytes = 0;
  let target: FileHandle | null = null;
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) {
      hash.update(piece);
      bytes += piece.length;
      await target?.writeFile(piece).catch((error: unknown) => {
        throw unwritable(path, error);
      });
    }
  };
  try {
    target = await open(temporary, 'w').catch((error: unknown) => {
      throw unwritable(path, error);
    });
    const writer = SHARD_WRITERS[format]();
    for (const record of contents) {
      await write(await writer.add(record));
      onRecord();
    }
    await write(await writer.end());
    await target.sync();
    await rename(temporary, path);
    return { file, records: records.length, bytes, sha256: hash.digest('hex') };
  } finally {
    await target?.close();
    await rm(temporary, { force: true });
  }
}
