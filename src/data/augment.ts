// Augmentation in the recipe's order: flip, pad and crop, scale to 0..1, normalise, Cutout. Draws
// on the host, pixels in the graph.
import type { AugmentationConfig } from '../catalogue/schema.js';
import { bytesToFloat, gatherRows, reshapeBytes } from '../native/kernels.js';
import { nameScope } from '../native/scope.js';
import { tf, type Tensor, type Tensor4D } from '../native/tensorflow.js';
import type { TensorType } from '../native/types.js';
import { required } from '../util/errors.js';
import type { RandomStream } from '../util/random.js';
import type { ImageDataset } from './dataset.js';

/**
 * What of a data set decides the graph. Pixels are normalised as (x / 255 - mean) / std, per
 * channel.
 */
export type ImageFormat = Pick<ImageDataset, 'height' | 'width' | 'channels' | 'mean' | 'std'>;

/** The fed draws, one integer an image each [B]; only those that the configuration needs. */
type Draw = 'flip' | 'cropTop' | 'cropLeft' | 'cutTop' | 'cutLeft';

function neededDraws({ flip, cropPadding, cutout }: AugmentationConfig): Draw[] {
  return [
    ...(flip ? (['flip'] as const) : []),
    ...(cropPadding > 0 ? (['cropTop', 'cropLeft'] as const) : []),
    ...(cutout > 0 ? (['cutTop', 'cutLeft'] as const) : []),
  ];
}

/** The inputs that `augment` takes for batches of `batch` images. */
export function augmentationInputs(
  config: AugmentationConfig,
  batch: number,
): Record<string, TensorType> {
  return Object.fromEntries(
    neededDraws(config).map((name) => [name, { dtype: 'int32', shape: [batch] }]),
  );
}

/**
 * Draws for `batch` images. Every image takes the same number of draws whatever is switched on, so
 * that switching one part off leaves the others as they were.
 */
export function drawAugmentation(
  stream: RandomStream,
  batch: number,
  { height, width }: ImageFormat,
  config: AugmentationConfig,
): Record<string, Int32Array> {
  const { cropPadding, cutout, cutoutProbability } = config;
  const half = Math.floor(cutout / 2);
  const make = () => new Int32Array(batch);
  const draws: Record<Draw, Int32Array> = {
    flip: make(),
    cropTop: make(),
    cropLeft: make(),
    cutTop: make(),
    cutLeft: make(),
  };
  for (let i = 0; i < batch; i++) {
    draws.flip[i] = stream.integer(2);
    draws.cropTop[i] = stream.integer(2 * cropPadding + 1) - cropPadding;
    draws.cropLeft[i] = stream.integer(2 * cropPadding + 1) - cropPadding;
    const cuts = stream.uniform() < cutoutProbability;
    const [top, left] = [stream.integer(height) - half, stream.integer(width) - half];
    draws.cutTop[i] = cuts ? top : height;
    draws.cutLeft[i] = cuts ? left : width;
  }
  return Object.fromEntries(neededDraws(config).map((name) => [name, draws[name]]));
}

const int = (value: number) => tf.scalar(value, 'int32');
const rows = (count: number) => tf.range(0, count, 1, 'int32').reshape([1, count, 1]);
const columns = (count: number) => tf.range(0, count, 1, 'int32').reshape([1, 1, count]);
const perImage = (draw: Tensor) => draw.reshape([-1, 1, 1]);

/** `images` [B H W C] (uint8), augmented by `draws` and normalised: [B H W C] float32. */
export function augment(
  images: Tensor,
  draws: Readonly<Record<string, Tensor>>,
  format: ImageFormat,
  config: AugmentationConfig,
): Tensor4D {
  return nameScope('augmentation', () => {
    const moved = config.flip || config.cropPadding > 0;
    const pixels = moved ? flipAndCrop(images, draws, format, config) : toUnit(images);
    const normal = normalise(pixels, format);
    return config.cutout > 0 ? cut(normal, draws, format, config.cutout) : normal;
  });
}

/** `images` [B H W C] (uint8), normalised: [B H W C] float32. */
export function plainImages(images: Tensor, format: ImageFormat): Tensor4D {
  return nameScope('images', () => normalise(toUnit(images), format));
}

/** Bytes to 0..1. */
const toUnit = (bytes: Tensor): Tensor4D => tf.div(bytesToFloat(bytes), 255);

function normalise(pixels: Tensor4D, { mean, std }: ImageFormat): Tensor4D {
  return tf.div(tf.sub(pixels, tf.tensor1d([...mean])), tf.tensor1d([...std]));
}

/**
 * Every output pixel's place in the source is computed and fetched at once: no image is moved
 * twice. Values 0..1.
 */
function flipAndCrop(
  images: Tensor,
  draws: Readonly<Record<string, Tensor>>,
  { height, width, channels }: ImageFormat,
  { flip, cropPadding }: AugmentationConfig,
): Tensor4D {
  const batch = required(images.shape[0], 'the batch size');
  const crops = cropPadding > 0;
  const y = crops
    ? tf.add(rows(height), perImage(required(draws['cropTop'], 'cropTop')))
    : rows(height);
  const x = crops
    ? tf.add(columns(width), perImage(required(draws['cropLeft'], 'cropLeft')))
    : columns(width);
  const sourceX = flip ? flipped(x, perImage(required(draws['flip'], 'flip')), width) : x;
  const starts = tf.range(0, batch * height * width, height * width, 'int32');
  const place = tf.add(
    tf.add(perImage(starts), tf.mul(clamp(y, height), int(width))),
    clamp(sourceX, width),
  );
  const flat = reshapeBytes(images, [batch * height * width, channels]);
  const bytes = gatherRows(flat, place.reshape([batch * height * width]), 'uint8');
  const pixels = toUnit(bytes).reshape<Tensor4D>([batch, height, width, channels]);
  if (!crops) return pixels;
  const inside = tf.logicalAnd(within(y, height), within(x, width));
  return tf.mul(pixels, tf.cast(inside, 'float32').reshape([batch, height, width, 1]));
}

/** Column x of the flipped image is column width - 1 - x of the image. */
function flipped(x: Tensor, flip: Tensor, width: number): Tensor {
  const mirrored = tf.sub(int(width - 1), x);
  return tf.add(tf.mul(flip, mirrored), tf.mul(tf.sub(int(1), flip), x));
}

const clamp = (place: Tensor, size: number): Tensor =>
  tf.minimum(tf.maximum(place, int(0)), int(size - 1));

const within = (place: Tensor, size: number): Tensor =>
  tf.logicalAnd(tf.greaterEqual(place, int(0)), tf.less(place, int(size)));

/** Cutout (arXiv 1708.04552): zeros in a square of side `size`, clipped at the border. */
function cut(
  pixels: Tensor4D,
  draws: Readonly<Record<string, Tensor>>,
  { height, width }: ImageFormat,
  size: number,
): Tensor4D {
  const covers = (place: Tensor, start: Tensor) =>
    tf.logicalAnd(tf.greaterEqual(place, start), tf.less(place, tf.add(start, int(size))));
  const inSquare = tf.logicalAnd(
    covers(rows(height), perImage(required(draws['cutTop'], 'cutTop'))),
    covers(columns(width), perImage(required(draws['cutLeft'], 'cutLeft'))),
  );
  const kept = tf.cast(tf.logicalNot(inSquare), 'float32');
  return tf.mul(pixels, kept.reshape([-1, height, width, 1]));
}
