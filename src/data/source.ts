// A split of a data set as training reads it: batch after batch, epoch after epoch.
//
// Small sets lie on the device as a whole, and a batch feeds the indices of its examples; a stream
// feeds the examples themselves. Whatever trains or evaluates sees no difference.
import type { Tensors, TensorTypes, Values } from '../graph/program.js';
import type { TensorType, TypedArray } from '../native/types.js';
import type { Range } from '../util/ranges.js';

/** A batch in host memory, or what a worker has of it. */
export interface HostBatch {
  /** How many examples it has, those of other workers included. */
  readonly examples: number;
  readonly inputs: Values;
}

/** What a source has in TensorFlow from beginning to end: in the host's memory, beside a GPU, too. */
export interface Held {
  readonly type: TensorType;
  /** Asked for once, when it is brought there. Errors: InternalError where only the shape is known. */
  readonly values: () => TypedArray;
}

/**
 * Gives one after the other. `return` ends what reads, even while the next one is awaited, which an
 * async generator that waits for a disk does not: its own `return` waits, too.
 */
export type Closable<T> = AsyncIterableIterator<T, void> & {
  return(): Promise<IteratorResult<T, void>>;
};

export interface Source {
  /** In an epoch, those included that its batches leave out with `dropLast`. */
  readonly examples: number;
  /** The sizes that its batches have: the usual one, and that of a short last one. */
  readonly sizes: readonly number[];
  /** By names that no other source of the same session has; none for a stream. */
  readonly held: Readonly<Record<string, Held>>;
  /** Which examples of a batch of `size` it feeds: all, unless workers share the batch. */
  fed(size: number): Range;
  /** What a batch of `size` examples feeds. */
  inputs(size: number): TensorTypes;
  /**
   * Those of the inputs that are large: TensorFlow reads them where they lie, if they begin at a
   * multiple of 64 bytes. What is made of them first has memory of its own (a cast, a gather), which
   * tracing checks.
   */
  readonly lent: readonly string[];
  /**
   * Traced: the examples of a batch as they are, before any augmentation, each [B ...].
   *
   * @param held what is on the device, by name
   */
  gather(held: Tensors, inputs: Tensors): Tensors;
  /** The batches of an epoch (from 0), from its batch `from` (from 0) on: its whole position. */
  batches(epoch: number, from: number): Closable<HostBatch>;
}

/** Batches of the usual size, epoch after epoch, without end. */
export async function* fullBatches(source: Source): AsyncGenerator<HostBatch, never> {
  for (let epoch = 0; ; epoch++) {
    for await (const batch of source.batches(epoch, 0)) {
      if (batch.examples === source.sizes[0]) yield batch;
    }
  }
}
