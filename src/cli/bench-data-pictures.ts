// The pictures that `fsam bench --data-only` reads: those that training begins with.
import type { Config } from '../catalogue/schema.js';
import { ofImages, type ImageDataset } from '../data/dataset.js';
import { shufflerOf } from '../data/image-source.js';
import { orderOf } from '../data/order.js';
import { loadDataset } from '../data/load.js';
import { isPictureStream, type BatchOfEpoch } from '../data/pictures/measure-pictures.js';
import type { PictureStream } from '../data/pictures/picture-stream.js';
import { UserError } from '../util/errors.js';

export interface OpenedPictures {
  readonly dataset: ImageDataset;
  /** Of its training set. */
  readonly stream: PictureStream;
}

/** Errors: UserError where the set is missing, or is none that is read as training asks for it. */
export async function openPictures({ data, seed }: Config): Promise<OpenedPictures> {
  const dataset = ofImages(await loadDataset(data, seed));
  const { images } = dataset.train;
  if (isPictureStream(images)) return { dataset, stream: images };
  throw lyingOnDevice(data);
}

export const lyingOnDevice = ({ name }: Config['data']): UserError =>
  new UserError(
    `--data-only: got data.name ${name}, which lies on the device as a whole, so that no step reads anything; wanted imagenet, or bench without --data-only`,
  );

/** The first `count` full batches of training, epoch after epoch. */
export function trainingBatches(
  { batchSize, seed }: Pick<Config, 'batchSize' | 'seed'>,
  { train }: ImageDataset,
  count: number,
): BatchOfEpoch[] {
  const batching = { size: batchSize, dropLast: true, shuffledBy: seed };
  const order = orderOf(train.labels.length, batching, shufflerOf(train.images));
  const found: BatchOfEpoch[] = [];
  for (let epoch = 0; found.length < count; epoch++) {
    for (const { indices } of order.batches(epoch, 0)) found.push({ epoch, indices });
  }
  return found.slice(0, count);
}
