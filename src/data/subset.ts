// Class-balanced, seeded subsets: a part of a set, and what is held out for validation.
import { UserError } from '../util/errors.js';
import { randomStream, type RandomStream } from '../util/random.js';
import type { DataConfig } from '../catalogue/schema.js';
import { isStream, type ImageDataset, type Images, type ImageSet } from './dataset.js';

const COUNTERS = { train: 0, test: 1 } as const;

/**
 * `dataset` with `subset.train` and `subset.test` of its images (null: all), which stay in file
 * order. Numbers of images a class differ by one at most; a smaller subset lies within a larger one
 * of the same seed.
 *
 * Errors: UserError when more images are wanted than there are, or a class has too few for its
 * share.
 */
export function takeSubset<I extends Images>(
  dataset: ImageDataset<I>,
  subset: DataConfig['subset'],
  seed: number,
): ImageDataset<I> {
  const take = (split: 'train' | 'test') => {
    const count = subset[split];
    const stream = randomStream(seed, 'subset', COUNTERS[split]);
    return count === null ? dataset[split] : balanced(dataset, split, count, stream);
  };
  return { ...dataset, train: take('train'), test: take('test') };
}

/**
 * `dataset` with `count` of its training images, class-balanced, as a set for validation instead; null
 * holds nothing out.
 *
 * Errors: UserError where a class would have no image left to train on.
 */
export function holdOut<I extends Images>(
  dataset: ImageDataset<I>,
  count: number | null,
  seed: number,
): ImageDataset<I> {
  if (count === null) return dataset;
  const { labels } = dataset.train;
  const pools = classesOf(labels, dataset.classes);
  const smallest = Math.min(...pools.map((pool) => pool.length));
  const most = pools.length * (smallest - 1);
  if (count > most) {
    const label = labels[pools.find((pool) => pool.length === smallest)?.[0] ?? 0];
    throw new UserError(
      `data.validation: got ${count}; class ${label} of ${dataset.name} has ${smallest} of the ${labels.length} training ` +
        `images: wanted ${most > 0 ? `${most} at most, or ` : ''}null for none`,
    );
  }
  const held = chooseIndices(pools, count, randomStream(seed, 'validation'));
  const chosen = new Set(held);
  const others = Int32Array.from(labels.keys()).filter((index) => !chosen.has(index));
  return {
    ...dataset,
    train: pick(dataset, 'train', others),
    validation: pick(dataset, 'train', held),
  };
}

function balanced<I extends Images>(
  dataset: ImageDataset<I>,
  split: 'train' | 'test',
  count: number,
  stream: RandomStream,
): ImageSet<I> {
  const { labels } = dataset[split];
  const key = `data.subset.${split}`;
  if (count > labels.length) {
    throw new UserError(
      `${key}: got ${count}; ${dataset.name} has ${labels.length}: wanted that many at most, or null for all`,
    );
  }
  // All of them is all of them, even where the set itself is not balanced.
  if (count === labels.length) return dataset[split];
  const pools = classesOf(labels, dataset.classes);
  const smallest = Math.min(...pools.map((pool) => pool.length));
  const most = pools.reduce((sum, pool) => sum + Math.min(pool.length, smallest + 1), 0);
  if (count > most) {
    const label = labels[pools.find((pool) => pool.length === smallest)?.[0] ?? 0];
    throw new UserError(
      `${key}: got ${count}, which can't be spread evenly: class ${label} has ${smallest} images; ` +
        `wanted ${most} at most, or null for all`,
    );
  }
  return pick(dataset, split, chooseIndices(pools, count, stream));
}

/** Indices of the images of each class that has some. */
function classesOf(labels: Int32Array, classes: number): number[][] {
  const members: number[][] = Array.from({ length: classes }, () => []);
  labels.forEach((label, index) => members[label]?.push(index));
  return members.filter((pool) => pool.length > 0);
}

/** Indices of the chosen images, ascending; no class is more than one image too small for its share. */
function chooseIndices(
  pools: readonly (readonly number[])[],
  count: number,
  stream: RandomStream,
): Int32Array {
  // Every class is permuted whole and in turn, so that a larger count only takes more from the same
  // orders.
  const turns = [...stream.permutation(pools.length)].map((which) => pools[which] as number[]);
  const shuffled = turns.map((pool) => shuffle(pool, stream));
  const share = Math.floor(count / shuffled.length);
  let withOneMore = count % shuffled.length;
  const chosen = shuffled.flatMap((pool) => {
    const extra = withOneMore > 0 && pool.length > share ? 1 : 0;
    withOneMore -= extra;
    return pool.slice(0, share + extra);
  });
  return Int32Array.from(chosen).sort();
}

function shuffle(items: readonly number[], stream: RandomStream): number[] {
  return [...stream.permutation(items.length)].map((position) => items[position] as number);
}

/** The images at `indices` of a set, with the labels that they have there. */
export function pick<I extends Images>(
  dataset: Pick<ImageDataset<I>, 'train' | 'test' | 'height' | 'width' | 'channels'>,
  split: 'train' | 'test',
  indices: Int32Array,
): ImageSet<I> {
  const { images, labels } = dataset[split];
  const length = dataset.height * dataset.width * dataset.channels;
  const picked = isStream(images) ? images.pick(indices) : copyOf(images, indices, length);
  return {
    // Of the kind that they were.
    images: picked as I,
    labels: indices.map((index) => labels[index] as number),
  };
}

function copyOf(images: Uint8Array, indices: Int32Array, length: number): Uint8Array {
  const copy = new Uint8Array(indices.length * length);
  indices.forEach((index, position) => {
    copy.set(images.subarray(index * length, (index + 1) * length), position * length);
  });
  return copy;
}
