// Pictures as a stream of images: decoded, cropped and resized by threads, the next batches ready while
// one is trained on.
//
// Which crop a picture takes is a function of (seed, epoch, its number in the index), so that threads,
// their number and the form that the pictures are held in change nothing.
import { bytesToAlignment } from '../../native/pixels.js';
import { required, UserError } from '../../util/errors.js';
import type { RandomStream } from '../../util/random.js';
import type { ImageStream, SkippedImage } from '../dataset.js';
import { shuffledInBlocks } from '../records/order.js';
import { columnsOfSplit, type RecordSplit } from '../records/record-index.js';
import type { Closable } from '../source.js';
import type { Framing } from './framing.js';
import type { Job } from './picture-worker.js';
import type { Pool } from './pool.js';
import { createRing, ringBytes, type Ring } from './ring.js';

const CHANNELS = 3;

export interface Pictures {
  readonly split: RecordSplit;
  readonly splitName: string;
  readonly framing: Framing;
  readonly pool: Pool;
  readonly memory: SharedMemory;
  /** How many shards training reads at a time; null: pictures of all of them follow one another. */
  readonly shardsInBlock: number | null;
  /** Whether another of its class is trained on in the place of one that cannot be read. */
  readonly skipsCorrupt: boolean;
}

/** The memory of one pass after another. */
export interface SharedMemory {
  /** The same as before, where that is large enough. */
  readonly ofAtLeast: (bytes: number) => SharedArrayBuffer;
  /** It may still be written to: the next pass has other memory. */
  readonly giveUp: () => void;
}

export function sharedMemory(): SharedMemory {
  let memory = new SharedArrayBuffer(0);
  return {
    ofAtLeast: (bytes) => {
      if (memory.byteLength < bytes) memory = new SharedArrayBuffer(bytes);
      return memory;
    },
    giveUp: () => {
      memory = new SharedArrayBuffer(0);
    },
  };
}

/** An `ImageStream` that tells what it reads. */
export interface PictureStream extends ImageStream {
  readonly pictures: Pictures;
  /** By number, in the order of their labels in the set. */
  readonly records: Int32Array;
  pick(indices: Int32Array): PictureStream;
  refuseDamaged(): void;
}

/** Of its pixels. */
export const exampleBytes = ({ side }: Framing): number => side ** 2 * CHANNELS;

/** The numbers of the pictures at `indices`. */
export const recordsAt = ({ records }: PictureStream, indices: Int32Array): Int32Array =>
  taken(records, indices);

/** @param records which ones, by number, in the order of their labels in the set */
export function pictureStream(pictures: Pictures, records: Int32Array): PictureStream {
  const { framing, shardsInBlock, skipsCorrupt, split, pool } = pictures;
  const bytes = exampleBytes(framing);
  const skipped = new Map<number, SkippedImage>();
  const ringFor = (batches: readonly Int32Array[]): Ring => {
    const memory = pictures.memory.ofAtLeast(ringBytes(batches[0]?.length ?? 0, bytes));
    const start = bytesToAlignment(new Uint8Array(memory));
    return createRing(
      batches.map((batch) => taken(records, batch)),
      bytes,
      memory,
      start,
    );
  };
  return {
    pictures,
    records,
    ...(shardsInBlock !== null && {
      shuffle: (random: RandomStream) => {
        const { part } = columnsOfSplit(split);
        const parts = Uint32Array.from(records, (record) => required(part[record], 'a shard'));
        return shuffledInBlocks(parts, shardsInBlock, random);
      },
    }),
    ...(skipsCorrupt && { skipped: () => skipped }),
    refuseDamaged: () => refuseFaulty(split, records),
    pick: (indices) => pictureStream(pictures, taken(records, indices)),
    read: (batches, epoch) => {
      const substitutes = skipsCorrupt && epoch !== null ? records : null;
      const onSkipped = (record: number, image: SkippedImage) =>
        skipped.set(records.indexOf(record), image);
      return passOver(pictures, { ring: ringFor([...batches]), epoch, substitutes }, onSkipped);
    },
    needs: (batchSize) => ({
      threads: pool.threads,
      bytes:
        split.memory.byteLength +
        ringBytes(batchSize, bytes) +
        pool.threads * bytesOfAThread(split),
    }),
  };
}

function refuseFaulty(split: RecordSplit, records: Int32Array): void {
  if (split.faults.length === 0) return;
  const meant = new Set(records);
  const [first, ...others] = split.faults.filter(({ record }) => meant.has(record));
  if (first === undefined) return;
  const more = others.length > 0 ? `, and ${others.length} more` : '';
  throw new UserError(
    `${first.file}: ${first.name} ${first.reason}${more}; fsam data verify tells of all of them`,
  );
}

/** Of the largest file, and of the largest picture decoded. */
function bytesOfAThread(split: RecordSplit): number {
  const { width, height } = columnsOfSplit(split);
  const pixels = width.reduce((most, side, i) => Math.max(most, side * (height[i] ?? 0)), 0);
  return split.largestSpan + CHANNELS * pixels;
}

const taken = (records: Int32Array, indices: Int32Array): Int32Array =>
  indices.map((index) => required(records[index], `picture ${index}`));

function passOver(
  { pool, split, splitName, framing, memory }: Pictures,
  job: Pick<Job, 'ring' | 'epoch' | 'substitutes'>,
  onSkipped: (record: number, image: SkippedImage) => void,
): Closable<Uint8Array> {
  const { ring, substitutes } = job;
  const batches = Math.ceil(ring.order.length / ring.batchSize);
  const pass = pool.begin({ ...job, split, splitName, framing });
  let [asked, given] = [0, 0];
  const end = (): Promise<IteratorResult<Uint8Array, void>> => {
    // A thread may be amid a picture: of a batch that was asked for, too.
    if (given < batches) memory.giveUp();
    asked = given = batches;
    pass.end();
    return Promise.resolve({ done: true, value: undefined });
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (asked === batches) return end();
      const batch = asked++;
      const value = await pass.batch(batch);
      if (substitutes !== null) {
        for (const [record, image] of await pass.skippedIn(batch)) onSkipped(record, image);
      }
      given = batch + 1;
      // Nothing is left to read: others may.
      if (given === batches) pass.end();
      return { done: false, value };
    },
    return: end,
  };
}
