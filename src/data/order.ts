// How an epoch goes through a set: in which order, in what batches, and what of each batch is fed.
import { required, UserError } from '../util/errors.js';
import { randomStream, type RandomStream } from '../util/random.js';
import { cutRange, type Range } from '../util/ranges.js';
import type { HostBatch, Source } from './source.js';

/** How an epoch is cut into batches. */
export interface Batching {
  /** Examples of a batch. */
  readonly size: number;
  /** Whether a short last batch is left out. */
  readonly dropLast: boolean;
  /** Decides the order of each epoch; null leaves the examples in theirs: they are evaluated. */
  readonly shuffledBy: number | null;
  /** Which share of every batch is fed, where workers share batches; left out: all of it. */
  readonly share?: Share | undefined;
  /** Of batches of which each is fed by one worker in turn, whose turn it is; left out: all are fed. */
  readonly turn?: Share | undefined;
}

const ALONE: Share = { index: 0, count: 1 };

/** One of several, from 0. */
interface Share {
  readonly index: number;
  readonly count: number;
}

/** In which order, and in what pieces, an epoch takes its examples. */
export interface Order extends Pick<Source, 'examples' | 'sizes' | 'fed'> {
  readonly isShuffled: boolean;
  /** Their indices, from batch `from` on; of each those that are fed. */
  readonly batches: (epoch: number, from: number) => Iterable<Piece>;
}

export interface Piece extends Pick<HostBatch, 'examples'> {
  readonly indices: Int32Array;
}

/** What an epoch takes, in its order. */
export type Shuffler = (random: RandomStream) => Int32Array;

/** @param shuffle left out: any order is as good as another */
export function orderOf(
  examples: number,
  { size, dropLast, shuffledBy, share = ALONE, turn = ALONE }: Batching,
  shuffle: Shuffler = (random) => random.permutation(examples),
): Order {
  const full = Math.min(size, examples);
  const last = examples === 0 ? 0 : examples % full;
  const end = dropLast ? examples - last : examples;
  const fed = (all: number): Range => {
    if (all < share.count) {
      throw new UserError(
        `batchSize: a batch of ${all} is for ${share.count} workers, wanted as many images at least; dropLast: true leaves out a short last batch`,
      );
    }
    return required(cutRange({ begin: 0, size: all }, share.count)[share.index], 'a share');
  };
  return {
    examples,
    sizes: [full, dropLast ? 0 : last].filter((one) => one > 0),
    isShuffled: shuffledBy !== null,
    fed,
    batches: function* (epoch, from) {
      const indices =
        shuffledBy === null
          ? Int32Array.from({ length: examples }, (_, i) => i)
          : shuffle(randomStream(shuffledBy, 'order', epoch));
      for (let [batch, begin] = [from, from * full]; begin < end; batch++, begin += full) {
        if (batch % turn.count !== turn.index) continue;
        const all = Math.min(full, end - begin);
        const own = fed(all);
        const first = begin + own.begin;
        yield { examples: all, indices: indices.slice(first, first + own.size) };
      }
    },
  };
}
