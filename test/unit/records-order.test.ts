// Blocks of shards: every record once, whatever seed; few shards at a time, their records mixed.
import { describe, expect, it } from 'vitest';
import { shuffledInBlocks } from '../../src/data/records/order.js';
import { randomStream } from '../../src/util/random.js';

const [COUNT, SHARDS, IN_BLOCK] = [600, 12, 4];
/** Records of all shards mixed, as sorting by class leaves them. */
const parts = Uint32Array.from({ length: COUNT }, (_, i) => (i * 7) % SHARDS);
const orderOf = (seed: number, epoch: number, of = parts) =>
  shuffledInBlocks(of, IN_BLOCK, randomStream(seed, 'order', epoch));

describe('blocks of shards', () => {
  it('have every record once, in another order each epoch and seed', () => {
    const orders = [orderOf(1, 0), orderOf(1, 1), orderOf(2, 0)];
    for (const one of orders) {
      expect([...one.toSorted()]).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    }
    expect(new Set(orders.map(String)).size).toBe(3);
    expect(orderOf(1, 1)).toEqual(orders[1]);
  });

  it('read a few shards at a time, mixed', () => {
    const order = orderOf(1, 0);
    const size = (COUNT / SHARDS) * IN_BLOCK;
    const seen = new Set<number>();
    for (let begin = 0; begin < COUNT; begin += size) {
      const read = [...order.subarray(begin, begin + size)].map((record) => parts[record]);
      expect(new Set(read).size).toBe(IN_BLOCK);
      for (const shard of read) seen.add(shard!);
      // Mixed, not one behind the other: most neighbours are of different shards.
      const changes = read.filter((shard, i) => shard !== read[i + 1]).length;
      expect(changes).toBeGreaterThan(0.6 * size);
    }
    expect(seen.size).toBe(SHARDS);
  });

  it('are of the shards that a subset has records of', () => {
    const subset = Uint32Array.from([8, 3, 8, 3, 8]);
    const order = orderOf(1, 0, subset);
    expect([...order].toSorted()).toEqual([0, 1, 2, 3, 4]);
    const one = shuffledInBlocks(subset, 1, randomStream(1, 'order'));
    expect(['3,3,8,8,8', '8,8,8,3,3']).toContain([...one].map((i) => subset[i]).join());
  });
});
