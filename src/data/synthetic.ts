// A seeded, learnable set made on the spot: a smooth pattern for each class, plus noise.
import { randomStream, type RandomStream } from '../util/random.js';
import type { DataConfig } from '../catalogue/schema.js';
import type { ImageDataset, ImageSet } from './dataset.js';
import { channelStatistics } from './statistics.js';

/**
 * Cells along a side of the coarse grid that a pattern interpolates: smooth enough to outlive a
 * crop by a few pixels.
 */
const GRID = 4;
/**
 * Patterns take grey values 64..191, so that noise of up to 48 either way seldom needs clipping.
 */
const PATTERN = { low: 64, range: 128 };
const NOISE = 48;

/** As the configuration has it, or what has the shape of another set. */
type Size = Omit<DataConfig['synthetic'], 'channels'> & { readonly channels: number };

/**
 * The set that `synthetic` describes, the same for the same `seed`. Labels go 0, 1, .. classes - 1,
 * 0, 1 and so on.
 */
export function makeSynthetic(synthetic: Size, seed: number): ImageDataset<Uint8Array> {
  const { size, channels, classes } = synthetic;
  const stream = randomStream(seed, 'synthetic', 0);
  const patterns = Array.from({ length: classes }, () => drawPattern(stream, size, channels));
  const train = drawSet(patterns, synthetic.train, randomStream(seed, 'synthetic', 1));
  const test = drawSet(patterns, synthetic.test, randomStream(seed, 'synthetic', 2));
  return {
    name: 'synthetic',
    classes,
    height: size,
    width: size,
    channels,
    ...channelStatistics(train.images, channels),
    train,
    test,
    source: `synthetic (seed ${seed})`,
  };
}

/** [H W C]: random values on a coarse grid, interpolated linearly between its points. */
function drawPattern(stream: RandomStream, size: number, channels: number): Float32Array {
  const points = GRID + 1;
  const grid = Float32Array.from(
    { length: points * points * channels },
    () => PATTERN.low + PATTERN.range * stream.uniform(),
  );
  const at = (row: number, column: number, channel: number) =>
    grid[(row * points + column) * channels + channel] as number;
  const pattern = new Float32Array(size * size * channels);
  let i = 0;
  for (let y = 0; y < size; y++) {
    const [top, down] = split((y * GRID) / size);
    for (let x = 0; x < size; x++) {
      const [left, right] = split((x * GRID) / size);
      for (let c = 0; c < channels; c++) {
        const above = mix(at(top, left, c), at(top, left + 1, c), right);
        const below = mix(at(top + 1, left, c), at(top + 1, left + 1, c), right);
        pattern[i++] = mix(above, below, down);
      }
    }
  }
  return pattern;
}

function drawSet(
  patterns: readonly Float32Array[],
  count: number,
  stream: RandomStream,
): ImageSet<Uint8Array> {
  const labels = Int32Array.from({ length: count }, (_, i) => i % patterns.length);
  const length = patterns[0]?.length ?? 0;
  // A clamped array rounds and clips to 0..255 as it is written.
  const images = new Uint8ClampedArray(count * length);
  labels.forEach((label, image) => {
    const pattern = patterns[label] as Float32Array;
    for (let i = 0; i < length; i++) {
      images[image * length + i] = (pattern[i] as number) + NOISE * (2 * stream.uniform() - 1);
    }
  });
  return { images: new Uint8Array(images.buffer), labels };
}

/** A coordinate as whole grid cell and fraction. */
function split(coordinate: number): [cell: number, fraction: number] {
  const cell = Math.floor(coordinate);
  return [cell, coordinate - cell];
}

function mix(a: number, b: number, fraction: number): number {
  return a + (b - a) * fraction;
}
