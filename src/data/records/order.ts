// The order in which an epoch goes through the records: a function of seed and epoch, so that nothing
// needs saving to go on within one.
import { UserError } from '../../util/errors.js';
import { randomStream } from '../../util/random.js';
import { columnsOfSplit, type RecordSplit } from './record-index.js';

/**
 * `full`: any record may follow any other. `blocks`: shards are shuffled, and records within as many
 * of them as a block has, so that a disk on the network is read in few places at a time.
 */
export type RecordOrder = 'full' | { readonly shardsInBlock: number };

/**
 * The numbers of all records [count] in the order of `epoch` (from 0).
 *
 * Errors: UserError for blocks of parts that hold one class each: a batch would have few classes.
 */
export function epochOrder(
  split: RecordSplit,
  order: RecordOrder,
  seed: number,
  epoch: number,
): Int32Array {
  const stream = randomStream(seed, 'order', epoch);
  if (order === 'full') return stream.permutation(split.count);
  if (split.form !== 'TFRecord' && split.form !== 'WebDataset') {
    throw new UserError(
      `data.order blocks: got ${split.form}, in which a block would be of few classes; wanted shards of mixed ones: write them with fsam data shard, or set data.order to full`,
    );
  }
  const parts = recordsByPart(split);
  const shuffled = [...stream.permutation(parts.length)];
  const result = new Int32Array(split.count);
  let at = 0;
  for (let begin = 0; begin < shuffled.length; begin += order.shardsInBlock) {
    const block = shuffled
      .slice(begin, begin + order.shardsInBlock)
      .flatMap((part) => [...(parts[part] ?? [])]);
    for (const place of stream.permutation(block.length)) result[at++] = block[place] ?? 0;
  }
  return result;
}

/** Of each part the numbers of its records. */
function recordsByPart(split: RecordSplit): number[][] {
  const parts: number[][] = split.parts.map(() => []);
  for (const [i, part] of columnsOfSplit(split).part.entries()) parts[part]?.push(i);
  return parts;
}
