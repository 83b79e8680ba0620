// Pictures as a stream of images: decoded, cropped and resized by threads, the next batches ready while
// one is trained on.
//
// Which crop a picture takes is a function of (seed, epoch, its number in the index), so that threads,
// their number and the form that the pictures are held in change nothing.
import { bytesToAlignment } from '../../native/pixels.js';
import { required } from '../../util/errors.js';
import type { ImageStream } from '../dataset.js';
import type { RecordSplit } from '../records/record-index.js';
import type { Closable } from '../source.js';
import type { Framing } from './picture-worker.js';
import type { Pool } from './pool.js';
import { createRing, ringBytes, type Ring } from './ring.js';

const CHANNELS = 3;

export interface Pictures {
  readonly split: RecordSplit;
  readonly splitName: string;
  readonly framing: Framing;
  readonly pool: Pool;
}

/** @param records which ones, by number, in the order of their labels in the set */
export function pictureStream(pictures: Pictures, records: Int32Array): ImageStream {
  const bytes = pictures.framing.side ** 2 * CHANNELS;
  let memory: SharedArrayBuffer | undefined;
  const ringFor = (batches: readonly Int32Array[]): Ring => {
    const needed = ringBytes(batches[0]?.length ?? 0, bytes);
    if (memory === undefined || memory.byteLength < needed) memory = new SharedArrayBuffer(needed);
    const start = bytesToAlignment(new Uint8Array(memory));
    return createRing(
      batches.map((batch) => taken(records, batch)),
      bytes,
      memory,
      start,
    );
  };
  return {
    pick: (indices) => pictureStream(pictures, taken(records, indices)),
    read: (batches, epoch) => passOver(pictures, ringFor([...batches]), epoch),
  };
}

const taken = (records: Int32Array, indices: Int32Array): Int32Array =>
  indices.map((index) => required(records[index], `picture ${index}`));

function passOver(
  { pool, ...pictures }: Pictures,
  ring: Ring,
  epoch: number | null,
): Closable<Uint8Array> {
  const batches = Math.ceil(ring.order.length / ring.batchSize);
  const pass = pool.begin({ ...pictures, epoch, ring });
  let next = 0;
  const end = (): Promise<IteratorResult<Uint8Array, void>> => {
    pass.end();
    return Promise.resolve({ done: true, value: undefined });
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (next === batches) return end();
      const value = await pass.batch(next++);
      // Nothing is left to read: others may.
      if (next === batches) pass.end();
      return { done: false, value };
    },
    return: end,
  };
}
