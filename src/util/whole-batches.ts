// Whole batches of an epoch, from one of them on and round, until so many examples are there.

/** How an epoch is cut into batches. */
export interface EpochOfBatches {
  /** Examples of a usual batch, from 1. */
  readonly full: number;
  /** Usual batches. */
  readonly count: number;
  /** Examples of a shorter one at the end; 0: there is none. */
  readonly last: number;
}

/** Some batches, one after the other. */
export interface WholeBatches {
  readonly batches: number;
  /** In all of them. */
  readonly examples: number;
}

export const epochOf = (examples: number, full: number): EpochOfBatches => ({
  full,
  count: Math.floor(examples / full),
  last: examples % full,
});

export const batchesIn = ({ count, last }: EpochOfBatches): number => count + (last > 0 ? 1 : 0);

const examplesOf = ({ full, count, last }: EpochOfBatches): number => full * count + last;

/**
 * The fewest batches from `first` (from 0) on, after the last one from the beginning, that have `wanted` examples; the
 * whole epoch where it has no more.
 */
export function wholeBatches(epoch: EpochOfBatches, first: number, wanted: number): WholeBatches {
  const { full, count, last } = epoch;
  if (wanted >= examplesOf(epoch))
    return { batches: batchesIn(epoch), examples: examplesOf(epoch) };
  const batches = Math.ceil(wanted / full);
  const hasLast = last > 0 && first + batches > count;
  if (!hasLast) return { batches, examples: batches * full };
  const examples = (batches - 1) * full + last;
  // One more where the short one leaves too few.
  return examples >= wanted
    ? { batches, examples }
    : { batches: batches + 1, examples: examples + full };
}

/** How many usual batches a gradient over so many examples is worth, in the mean over where it may begin. */
export function meanBatches(examples: number, batchSize: number, samples: number | 'all'): number {
  const full = Math.min(batchSize, examples);
  return meanExamples(epochOf(examples, full), wantedOf(samples)) / full;
}

/** Examples wanted: more than there are means all. */
export const wantedOf = (samples: number | 'all'): number =>
  samples === 'all' ? Infinity : samples;

/** Their examples in the mean over all batches that they may begin with. */
export function meanExamples(epoch: EpochOfBatches, wanted: number): number {
  const places = batchesIn(epoch);
  const all = Array.from({ length: places }, (_, i) => wholeBatches(epoch, i, wanted).examples);
  return all.reduce((sum, one) => sum + one, 0) / places;
}
