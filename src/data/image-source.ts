// A split of a set of images as training reads it. Sets that memory holds, as CIFAR's, lie on the
// device as a whole, and a batch feeds indices; of others a batch feeds the images themselves.
import type { Values } from '../graph/program.js';
import { gatherRows } from '../native/kernels.js';
import type { TensorType } from '../native/types.js';
import { InternalError, required } from '../util/errors.js';
import {
  countOf,
  inMemory,
  isStream,
  type ImageShape,
  type Images,
  type ImageSet,
  type Split,
} from './dataset.js';
import { orderOf, type Batching, type Order, type Piece, type Shuffler } from './order.js';
import type { Closable, Held, HostBatch, Source } from './source.js';

/** A batch of the images at `indices` [B] of a set that the device holds. */
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
  shape: ImageShape,
  batching: Batching,
  set?: ImageSet,
): Source {
  const order = orderOf(countOf(shape, split), batching, set && shufflerOf(set.images));
  const fields = fieldsOf(split, shape);
  return shape.streamed
    ? streamedSource(split, fields, order, set)
    : heldSource(split, fields, order, set);
}

/** Undefined where any order is as good as another. */
export const shufflerOf = (images: Images): Shuffler | undefined =>
  isStream(images) ? images.shuffle : undefined;

/** What a set has of every example. */
interface Field {
  readonly field: keyof ImageSet;
  readonly dtype: 'uint8' | 'int32';
  /** Of one example. */
  readonly shape: readonly number[];
}

function fieldsOf(split: Split, shape: ImageShape): Field[] {
  const { height, width, channels, labelNoise } = shape;
  const labels = (field: 'labels' | 'originalLabels'): Field => ({
    field,
    dtype: 'int32',
    shape: [],
  });
  return [
    { field: 'images', dtype: 'uint8', shape: [height, width, channels] },
    labels('labels'),
    ...(labelNoise && split === 'train' ? [labels('originalLabels')] : []),
  ];
}

const typeOf = ({ dtype, shape }: Field, count: number): TensorType => ({
  dtype,
  shape: [count, ...shape],
});

function heldSource(
  split: Split,
  fields: readonly Field[],
  { examples, sizes, fed, batches }: Order,
  set?: ImageSet,
): Source {
  const nameOf = (field: string) => `${split}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
  const valuesOf = (field: keyof ImageSet) => {
    const all = required(set, `the ${split} images`);
    return field === 'images' ? inMemory(all) : required(all[field], `the ${field} of ${split}`);
  };
  return {
    examples,
    sizes,
    held: Object.fromEntries(
      fields.map((one): [string, Held] => [
        nameOf(one.field),
        { type: typeOf(one, examples), values: () => valuesOf(one.field) },
      ]),
    ),
    fed,
    inputs: (batch) => ({ indices: { dtype: 'int32', shape: [fed(batch).size] } }),
    lent: [],
    gather: (held, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      return Object.fromEntries(
        fields.map(({ field, dtype }) => {
          const name = nameOf(field);
          return [field, gatherRows(required(held[name], name), indices, dtype)];
        }),
      );
    },
    async *batches(epoch, from) {
      for (const { examples: all, indices } of batches(epoch, from)) {
        yield await Promise.resolve({ ...batchAt(indices), examples: all });
      }
    },
  };
}

const NOTHING: Closable<never> = {
  [Symbol.asyncIterator]: () => NOTHING,
  next: () => Promise.resolve({ done: true, value: undefined }),
  return: () => Promise.resolve({ done: true, value: undefined }),
};

/** Labels are in memory: only images are awaited. */
function streamedSource(
  split: Split,
  fields: readonly Field[],
  { examples, sizes, isShuffled, fed, batches }: Order,
  set?: ImageSet,
): Source {
  const readImages = (indices: readonly Int32Array[], epoch: number) => {
    const images = required(set?.images, `the images of ${split}`);
    if (isStream(images)) return images.read(indices, isShuffled ? epoch : null);
    throw new InternalError(`the images of ${split} are no stream, its shape says otherwise`);
  };
  return {
    examples,
    sizes,
    held: {},
    fed,
    inputs: (batch) =>
      Object.fromEntries(fields.map((one) => [one.field, typeOf(one, fed(batch).size)])),
    lent: ['images'],
    gather: (_, inputs) =>
      Object.fromEntries(fields.map(({ field }) => [field, required(inputs[field], field)])),
    batches(epoch, from) {
      const pieces = [...batches(epoch, from)];
      // A worker whose turn never comes.
      if (pieces.length === 0) return NOTHING;
      const images = readImages(
        pieces.map(({ indices }) => indices),
        epoch,
      );
      return paired(images, pieces, (some) => labelsAt(some, fields, set));
    },
  };
}

function labelsAt(indices: Int32Array, fields: readonly Field[], set?: ImageSet): Values {
  return Object.fromEntries(
    fields.flatMap(({ field }) => {
      if (field === 'images') return [];
      const all = required(set?.[field], `the ${field}`);
      return [[field, indices.map((index) => required(all[index], `a label of ${field}`))]];
    }),
  );
}

/** Images with their labels. Not a generator of its own: `return` has to reach the stream at once. */
function paired(
  images: Closable<Uint8Array>,
  pieces: readonly Piece[],
  labelsOf: (indices: Int32Array) => Values,
): Closable<HostBatch> {
  let batch = 0;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await images.next();
      const ofBatch = pieces[batch++];
      if ((done === true) !== (ofBatch === undefined)) {
        const got = done === true ? `only ${batch - 1}` : 'more';
        throw new InternalError(`a stream gave ${got} batches, wanted ${pieces.length}`);
      }
      if (done === true || ofBatch === undefined) return { done: true, value: undefined };
      const inputs = { ...labelsOf(ofBatch.indices), images: value };
      return { done: false, value: { examples: ofBatch.examples, inputs } };
    },
    async return() {
      await images.return();
      return { done: true, value: undefined };
    },
  };
}
