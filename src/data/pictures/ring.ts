// What the main thread and the threads that read pictures share: which picture is next, and the pixels
// of a few batches, which are filled and handed on in turn.
import { ALIGNMENT } from '../../native/pixels.js';
import { required } from '../../util/errors.js';

/** Batches that are filled or full at a time. */
const SLOTS = 3;

/** Places in `control`, [3 + SLOTS]. */
const [NEXT, HANDED_ON, ENDED, FULL] = [0, 1, 2, 3];

/** Of a pass over pictures; all memory is shared. */
export interface Ring {
  /** Numbers of the records, in the order in which they are wanted: batch after batch. */
  readonly order: Int32Array;
  /** Pictures of a batch; the last one may have fewer. */
  readonly batchSize: number;
  /** Of one picture. */
  readonly bytes: number;
  readonly control: Int32Array;
  /** [SLOTS], `slotBytes` each. */
  readonly pixels: Uint8Array;
  /** [SLOTS batchSize] whose pixels they are: another record's than was wanted, where that cannot be read. */
  readonly filledFrom: Int32Array;
  readonly slotBytes: number;
}

/** A picture that a thread has to fill in. */
export interface Turn {
  readonly record: number;
  /** Where its pixels begin. */
  readonly offset: number;
  /** Tells that they are there, and which record's they are. */
  readonly done: (record: number) => void;
}

const slotBytesOf = (batchSize: number, bytes: number): number =>
  Math.ceil((batchSize * bytes) / ALIGNMENT) * ALIGNMENT;

/** Bytes that a ring for such batches takes, and at most how many more to begin where it is wanted. */
export const ringBytes = (batchSize: number, bytes: number): number =>
  SLOTS * slotBytesOf(batchSize, bytes) + ALIGNMENT;

/**
 * @param pixels at least `ringBytes`
 * @param start where in it the first slot begins
 */
export function createRing(
  batches: readonly Int32Array[],
  bytes: number,
  pixels: SharedArrayBuffer,
  start: number,
): Ring {
  const count = batches.reduce((sum, { length }) => sum + length, 0);
  const order = new Int32Array(new SharedArrayBuffer(4 * count));
  let at = 0;
  for (const batch of batches) {
    order.set(batch, at);
    at += batch.length;
  }
  const batchSize = batches[0]?.length ?? 0;
  return {
    order,
    batchSize,
    bytes,
    control: new Int32Array(new SharedArrayBuffer(4 * (FULL + SLOTS))),
    pixels: new Uint8Array(pixels, start, SLOTS * slotBytesOf(batchSize, bytes)),
    slotBytes: slotBytesOf(batchSize, bytes),
    filledFrom: new Int32Array(new SharedArrayBuffer(4 * SLOTS * batchSize)),
  };
}

const batchLength = ({ order, batchSize }: Ring, batch: number): number =>
  Math.min(batchSize, order.length - batch * batchSize);

// For the threads that fill it

/** Null where none is left, or the pass has ended. Waits until there is room. */
export function nextTurn(ring: Ring): Turn | null {
  const { order, batchSize, bytes, control, slotBytes } = ring;
  const ticket = Atomics.add(control, NEXT, 1);
  if (ticket >= order.length) return null;
  const batch = Math.floor(ticket / batchSize);
  for (;;) {
    const handedOn = Atomics.load(control, HANDED_ON);
    if (Atomics.load(control, ENDED) !== 0) return null;
    if (batch < handedOn + SLOTS) break;
    Atomics.wait(control, HANDED_ON, handedOn);
  }
  const [slot, place] = [batch % SLOTS, ticket % batchSize];
  return {
    record: required(order[ticket], `picture ${ticket}`),
    offset: slot * slotBytes + place * bytes,
    done: (record) => {
      ring.filledFrom[slot * batchSize + place] = record;
      const filled = Atomics.add(control, FULL + slot, 1) + 1;
      if (filled === batchLength(ring, batch)) Atomics.notify(control, FULL + slot);
    },
  };
}

// For the thread that takes batches out

/** The pixels of a batch; null where it is not full yet. */
export function fullBatch(ring: Ring, batch: number): Uint8Array | null {
  const { control, pixels, slotBytes, bytes } = ring;
  const [slot, length] = [batch % SLOTS, batchLength(ring, batch)];
  if (Atomics.load(control, FULL + slot) < length) return null;
  return pixels.subarray(slot * slotBytes, slot * slotBytes + length * bytes);
}

/** The records of a full batch that gave way to others. */
export function replacedIn(ring: Ring, batch: number): Int32Array {
  const { order, batchSize, filledFrom } = ring;
  const begin = batch * batchSize;
  const from = (batch % SLOTS) * batchSize;
  return order
    .subarray(begin, begin + batchLength(ring, batch))
    .filter((record, i) => filledFrom[from + i] !== record);
}

/** Resolves when the batch may be full, or at the latest after `milliseconds`. */
export async function batchMayBeFull(
  ring: Ring,
  batch: number,
  milliseconds: number,
): Promise<void> {
  const { control } = ring;
  const place = FULL + (batch % SLOTS);
  const filled = Atomics.load(control, place);
  // By now nobody would tell of it.
  if (filled >= batchLength(ring, batch)) return;
  await Atomics.waitAsync(control, place, filled, milliseconds).value;
}

/** How many pictures were begun: it grows as long as threads get on. */
export const turnsTaken = ({ control }: Ring): number => Atomics.load(control, NEXT);

/** Its memory may be filled anew. */
export function handOn({ control }: Ring, batch: number): void {
  Atomics.store(control, FULL + (batch % SLOTS), 0);
  Atomics.store(control, HANDED_ON, batch + 1);
  Atomics.notify(control, HANDED_ON);
}

/** Threads take no more turns. */
export function endRing({ control }: Ring): void {
  Atomics.store(control, ENDED, 1);
  // Another number than before: who looked at it and is about to wait for its change does not begin to.
  Atomics.store(control, HANDED_ON, -1);
  Atomics.notify(control, HANDED_ON);
}
