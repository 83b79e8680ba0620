// A pass over pictures that ends early, on a pool that reads nothing.
import { expect, it } from 'vitest';
import { pictureStream, sharedMemory } from '../../src/data/pictures/picture-stream.js';
import type { Pool } from '../../src/data/pictures/pool.js';
import type { RecordSplit } from '../../src/data/records/record-index.js';

/** A stream of four pictures whose batches from the `missing`th on never come, and the memory of each of its passes. */
function stream(missing: number) {
  const memories: ArrayBufferLike[] = [];
  const pool: Pool = {
    threads: 1,
    begin: ({ ring }) => {
      memories.push(ring.pixels.buffer);
      return {
        batch: (batch) =>
          batch < missing ? Promise.resolve(ring.pixels) : new Promise(() => undefined),
        skippedIn: () => Promise.resolve(new Map()),
        end: () => undefined,
      };
    },
  };
  const images = pictureStream(
    {
      split: {} as RecordSplit,
      splitName: 'train',
      framing: { side: 2, resize: 2, seed: 1 },
      pool,
      memory: sharedMemory(),
      shardsInBlock: null,
      skipsCorrupt: false,
    },
    Int32Array.from([0, 1, 2, 3]),
  );
  return { memories, read: () => images.read([Int32Array.of(0, 1), Int32Array.of(2, 3)], 0) };
}

it('keeps its memory where all batches came', async () => {
  const { memories, read } = stream(2);
  for (let pass = 0; pass < 2; pass++) {
    let count = 0;
    for await (const batch of read()) count += Math.sign(batch.length);
    expect(count).toBe(2);
  }
  expect(memories[1]).toBe(memories[0]);
});

it.each([0, 1])('has other memory after a pass whose batch %i was waited for', async (missing) => {
  const { memories, read } = stream(missing);
  const pass = read();
  for (let batch = 0; batch < missing; batch++) await pass.next();
  void pass.next();
  await pass.return();
  read();
  expect(memories[1]).not.toBe(memories[0]);
});

it('gives no batch of a pass that was ended', async () => {
  const pass = stream(2).read();
  await pass.next();
  await pass.return();
  expect(await pass.next()).toEqual({ done: true, value: undefined });
});
