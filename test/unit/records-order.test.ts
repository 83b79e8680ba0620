// The order of an epoch: whole permutations, of seed and epoch alone; blocks keep to a few shards.
import { beforeAll, describe, expect, it } from 'vitest';
import { columnsOf } from '../../src/data/records/columns.js';
import { epochOrder, type RecordOrder } from '../../src/data/records/order.js';
import type { RecordSplit } from '../../src/data/records/record-index.js';
import { randomStream } from '../../src/util/random.js';

const [COUNT, SHARDS, IN_BLOCK] = [600, 12, 4];
const ORDERS: [string, RecordOrder][] = [
  ['full', 'full'],
  ['blocks', { shardsInBlock: IN_BLOCK }],
];

let split: RecordSplit;
/** Records of all shards mixed, as sorting by class leaves them. */
const partOf = (i: number): number => (i * 7) % SHARDS;

beforeAll(() => {
  const memory = new SharedArrayBuffer(COUNT * 38);
  columnsOf(COUNT, memory).part.set(Array.from({ length: COUNT }, (_, i) => partOf(i)));
  const part = { kind: 'tfrecord', path: '', range: null, className: null } as const;
  split = {
    form: 'TFRecord',
    count: COUNT,
    parts: Array.from({ length: SHARDS }, (_, i) => ({ ...part, path: `${i}` })),
    memory,
    names: null,
    faults: [],
    largestSpan: 0,
    states: [],
  };
});

describe.each(ORDERS)('%s', (_, order) => {
  it('has every record once, in another order each epoch and seed', () => {
    const orders = [
      [1, 0],
      [1, 1],
      [2, 0],
    ].map(([seed, epoch]) => [...epochOrder(split, order, seed!, epoch!)]);
    for (const one of orders) {
      expect(one.toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (__, i) => i));
    }
    expect(new Set(orders.map(String)).size).toBe(3);
    expect([...epochOrder(split, order, 1, 1)]).toEqual(orders[1]);
  });
});

it('is the permutation that other sets have, too', () => {
  expect(epochOrder(split, 'full', 3, 5)).toEqual(randomStream(3, 'order', 5).permutation(COUNT));
});

it('reads a few shards at a time in blocks, mixed', () => {
  const order = epochOrder(split, { shardsInBlock: IN_BLOCK }, 1, 0);
  const size = (COUNT / SHARDS) * IN_BLOCK;
  const seen = new Set<number>();
  for (let begin = 0; begin < COUNT; begin += size) {
    const parts = [...order.slice(begin, begin + size)].map(partOf);
    const shards = new Set(parts);
    expect(shards.size).toBe(IN_BLOCK);
    for (const shard of shards) seen.add(shard);
    // Mixed, not one behind the other: most neighbours are of different shards.
    const changes = parts.filter((part, i) => part !== parts[i + 1]).length;
    expect(changes).toBeGreaterThan(0.6 * size);
  }
  expect(seen.size).toBe(SHARDS);
});

it('refuses blocks of classes', () => {
  expect(() => epochOrder({ ...split, form: 'class folders' }, { shardsInBlock: 4 }, 1, 0)).toThrow(
    /^data\.order blocks: got class folders, .*; wanted shards of mixed ones/,
  );
});
