// Sets of images that lie on the device as a whole, as CIFAR's do: a batch feeds indices.
import type { TensorType } from '../native/types.js';
import { gatherRows } from '../native/kernels.js';
import { required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import { countOf, type DatasetShape, type ImageSet, type Split } from './dataset.js';
import type { Held, HostBatch, Source } from './source.js';

/** How an epoch is cut into batches. */
export interface Batching {
  /** Examples of a batch. */
  readonly size: number;
  /** Whether a short last batch is left out. */
  readonly dropLast: boolean;
  /** Decides the order of each epoch; null leaves the images in theirs. */
  readonly shuffledBy: number | null;
}

/** A batch of the images at `indices` [B]. */
export const batchAt = (indices: Int32Array): HostBatch => ({
  examples: indices.length,
  inputs: { indices },
});

/**
 * The images of a split. A batch gathers `images` [B H W C] (uint8), `labels` [B], and where there is
 * label noise `originalLabels` [B].
 *
 * @param set left out: only the shape counts, as for a listing of the graph.
 */
export function imageSource(
  split: Split,
  shape: DatasetShape,
  { size, dropLast, shuffledBy }: Batching,
  set?: ImageSet,
): Source {
  const count = countOf(shape, split);
  const full = Math.min(size, count);
  const last = count === 0 ? 0 : count % full;
  const sizes = [full, dropLast ? 0 : last].filter((one) => one > 0);
  const vectors = fieldsOf(split, shape);
  return {
    examples: count,
    sizes,
    held: Object.fromEntries(
      vectors.map(({ field, name, type }): [string, Held] => [
        name,
        { type, values: () => required(set?.[field], `the ${field} of ${split}`) },
      ]),
    ),
    inputs: (batch) => ({ indices: { dtype: 'int32', shape: [batch] } }),
    gather: (held, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      return Object.fromEntries(
        vectors.map(({ field, name, type }) => [
          field,
          gatherRows(required(held[name], name), indices, type.dtype),
        ]),
      );
    },
    async *batches(epoch, from) {
      const order =
        shuffledBy === null
          ? Int32Array.from({ length: count }, (_, i) => i)
          : randomStream(shuffledBy, 'order', epoch).permutation(count);
      const end = dropLast ? count - last : count;
      for (let begin = from * full; begin < end; begin += full) {
        yield await Promise.resolve(batchAt(order.slice(begin, begin + full)));
      }
    },
  };
}

interface Field {
  readonly field: keyof ImageSet;
  /** On the device. */
  readonly name: string;
  readonly type: TensorType & { readonly dtype: 'uint8' | 'int32' };
}

function fieldsOf(split: Split, shape: DatasetShape): Field[] {
  const { height, width, channels, labelNoise } = shape;
  const count = countOf(shape, split);
  const labels = (field: 'labels' | 'originalLabels', name: string): Field => ({
    field,
    name: `${split}${name}`,
    type: { dtype: 'int32', shape: [count] },
  });
  return [
    {
      field: 'images',
      name: `${split}Images`,
      type: { dtype: 'uint8', shape: [count, height, width, channels] },
    },
    labels('labels', 'Labels'),
    ...(labelNoise && split === 'train' ? [labels('originalLabels', 'OriginalLabels')] : []),
  ];
}
