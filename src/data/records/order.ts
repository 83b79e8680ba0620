// An order of an epoch that keeps to a few shards at a time, so that a disk on the network is read in few
// places.
import type { RandomStream } from '../../util/random.js';

/**
 * The indices of all records [N]: shards are shuffled, then the records of as many shards as a block
 * has, block after block.
 *
 * @param parts [N] the shard that each record is in
 */
export function shuffledInBlocks(
  parts: Uint32Array,
  shardsInBlock: number,
  random: RandomStream,
): Int32Array {
  const shards = recordsByShard(parts);
  const turns = random.permutation(shards.length);
  const order = new Int32Array(parts.length);
  let at = 0;
  for (let begin = 0; begin < turns.length; begin += shardsInBlock) {
    const block = [...turns.subarray(begin, begin + shardsInBlock)].flatMap((i) => shards[i] ?? []);
    for (const place of random.permutation(block.length)) order[at++] = block[place] ?? 0;
  }
  return order;
}

/** The indices of the records of each shard that has some, the lowest shard first. */
function recordsByShard(parts: Uint32Array): number[][] {
  const shards = new Map<number, number[]>();
  for (const [i, part] of parts.entries()) {
    const records = shards.get(part);
    if (records === undefined) shards.set(part, [i]);
    else records.push(i);
  }
  return [...shards].sort(([a], [b]) => a - b).map(([, records]) => records);
}
