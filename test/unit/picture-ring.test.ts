// The ring that the threads of a pass over pictures fill: nobody waits for what has happened already.
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  batchMayBeFull,
  createRing,
  endRing,
  fullBatch,
  handOn,
  nextTurn,
  replacedIn,
  ringBytes,
  type Ring,
} from '../../src/data/pictures/ring.js';

const [BATCH, BATCHES, BYTES] = [2, 4, 3];
/** Milliseconds: longer than a test may take. */
const TOO_LONG = 20_000;

const newRing = (): Ring => {
  const batches = Array.from({ length: BATCHES }, (_, b) => Int32Array.from([10 * b, 10 * b + 1]));
  return createRing(batches, BYTES, new SharedArrayBuffer(ringBytes(BATCH, BYTES)), 0);
};

const take = (ring: Ring) => nextTurn(ring) ?? expect.fail('no turn is left');

/** As many batches as there is room for. */
const fill = (ring: Ring): void => {
  for (let i = 0; i < 3 * BATCH; i++) {
    const { record, done } = take(ring);
    done(record);
  }
};

afterEach(() => void vi.restoreAllMocks());

describe('the ring of a pass', () => {
  it('does not wait for a batch that became full after it was looked at', async () => {
    const ring = newRing();
    expect(fullBatch(ring, 0)).toBeNull();
    fill(ring);
    await batchMayBeFull(ring, 0, TOO_LONG);
    expect(fullBatch(ring, 0)).toHaveLength(BATCH * BYTES);
  });

  it('does not let a thread wait that had just looked when the pass ended', () => {
    const ring = newRing();
    fill(ring);
    const wait: (array: never, index: number, value: never, milliseconds: number) => 'not-equal' =
      Atomics.wait.bind(Atomics) as never;
    const waited = vi.spyOn(Atomics, 'wait').mockImplementation((array, index, value) => {
      endRing(ring);
      return wait(array as never, index, value as never, 100);
    });
    expect(nextTurn(ring)).toBeNull();
    expect(waited).toHaveReturnedWith('not-equal');
  });

  it('tells which records of a batch gave way to others, also where its memory was used before', () => {
    const ring = newRing();
    fill(ring);
    handOn(ring, 0);
    const [first, second] = [take(ring), take(ring)];
    first.done(99);
    second.done(second.record);
    expect([...replacedIn(ring, 3)]).toEqual([30]);
    expect([...replacedIn(ring, 1)]).toEqual([]);
  });
});
