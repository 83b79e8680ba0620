// Mean and standard deviation of each channel, for sets that come without published ones.
import { InternalError } from '../util/errors.js';

/**
 * Statistics of pixels scaled to 0..1 (population standard deviation), from a histogram and so
 * exact to rounding. `images` is [N H W C]. A channel of one value only gets std 1: it is centred
 * and not scaled.
 */
export function channelStatistics(
  images: Uint8Array,
  channels: number,
): { mean: readonly number[]; std: readonly number[] } {
  if (images.length === 0) throw new InternalError('statistics of no images');
  const mean: number[] = [];
  const std: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const histogram = countValues(images, channel, channels);
    const average = weightedMean(histogram, (value) => value / 255);
    const variance = weightedMean(histogram, (value) => (value / 255 - average) ** 2);
    mean.push(average);
    std.push(variance > 0 ? Math.sqrt(variance) : 1);
  }
  return { mean, std };
}

/** How often each value 0..255 occurs at `first`, `first + stride` and so on. */
function countValues(images: Uint8Array, first: number, stride: number): Float64Array {
  const histogram = new Float64Array(256);
  for (let i = first; i < images.length; i += stride) {
    const value = images[i] as number;
    histogram[value] = (histogram[value] as number) + 1;
  }
  return histogram;
}

function weightedMean(histogram: Float64Array, of: (value: number) => number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  return histogram.reduce((sum, count, value) => sum + count * of(value), 0) / total;
}
