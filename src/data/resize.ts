// Images enlarged in the graph to the size that a network reads.
import { isAugmentedAsAsked } from '../catalogue/data-sets.js';
import type { DataConfig } from '../catalogue/schema.js';
import { nameScope } from '../native/scope.js';
import { tf, type Tensor4D } from '../native/tensorflow.js';
import { UserError } from '../util/errors.js';

interface Size {
  readonly height: number;
  readonly width: number;
  /** Whether data.resize made them so; left out: they are so. */
  readonly isEnlarged?: true;
}

/** Null: images are read as they are. */
export const resizeOf = ({ name, resize }: Pick<DataConfig, 'name' | 'resize'>): number | null =>
  isAugmentedAsAsked(name) ? resize : null;

/**
 * What the network of a configuration reads of a set of such images, or of a text as it is.
 *
 * Errors: UserError where data.resize is smaller than the images.
 */
export function networkInput<S extends Size | { readonly context: number }>(
  config: Pick<DataConfig, 'name' | 'resize'>,
  shape: S,
): S {
  const side = resizeOf(config);
  if (side === null || !('height' in shape)) return shape;
  const { height, width } = shape;
  if (side < Math.max(height, width)) {
    throw new UserError(
      `data.resize: got ${side} for images of ${height}x${width}, wanted at least ${Math.max(height, width)}: images are enlarged only`,
    );
  }
  return { ...shape, height: side, width: side, isEnlarged: true };
}

/** Pixels of an image that the network reads, of a set whose images have `places`; tokens of a text as they are. */
export function placesRead(config: Pick<DataConfig, 'name' | 'resize'>, places: number): number {
  const side = resizeOf(config);
  return side === null ? places : side ** 2;
}

/**
 * [N H W C] -> [N side side C], bilinear between the centres of pixels, beyond the outermost of which the border
 * goes on: what Pillow's BILINEAR gives where it enlarges, but for its rounding to bytes.
 */
export function enlarged(images: Tensor4D, side: number | null): Tensor4D {
  if (side === null) return images;
  return nameScope('resize', () => tf.image.resizeBilinear(images, [side, side], false, true));
}
