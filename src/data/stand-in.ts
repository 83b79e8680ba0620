// A stand-in for a data set where nothing of it is read: synthetic images of its shape, which reach the
// training step as its own would.
import { ALIGNMENT, bytesToAlignment } from '../native/pixels.js';
import { required } from '../util/errors.js';
import type { Dataset, DatasetShape, ImageStream } from './dataset.js';
import { makeSynthetic } from './synthetic.js';

/** Batches of images that are made, of a set that lies on the device. */
const BATCHES = 4;
/** With the one that is handed on they are as large as the ring that training reads pictures into. */
const STREAMED_BATCHES = 2;
/** Classes that have images: each takes memory of its own while they are made. */
const MOST_CLASSES = 16;

/**
 * A set of a few batches to train on, with none to evaluate on.
 *
 * @param shape of square images
 */
export function standInFor(
  shape: DatasetShape,
  { batchSize, seed }: { readonly batchSize: number; readonly seed: number },
): Dataset {
  const { height, width, channels, classes, mean, std, streamed } = shape;
  const train = batchSize * (streamed ? STREAMED_BATCHES : BATCHES);
  const size = { size: height, channels, classes: Math.min(classes, MOST_CLASSES) };
  const drawn = makeSynthetic({ train, test: 0, ...size }, seed);
  const { images, labels } = drawn.train;
  return {
    ...drawn,
    ...{ classes, mean, std },
    train: {
      images: streamed
        ? streamOf(images, height * width * channels, Int32Array.from(labels.keys()))
        : images,
      labels,
    },
  };
}

/**
 * Images put together batch by batch where TensorFlow reads them as they lie.
 *
 * @param rows which of them are in the set
 */
function streamOf(images: Uint8Array, length: number, rows: Int32Array): ImageStream {
  return {
    pick: (indices) =>
      streamOf(
        images,
        length,
        indices.map((index) => required(rows[index], `image ${index}`)),
      ),
    needs: (batchSize) => ({ threads: 0, bytes: batchSize * length }),
    async *read(batches) {
      let memory = new Uint8Array();
      for (const batch of batches) {
        const bytes = batch.length * length;
        if (memory.length < bytes) memory = alignedBytes(bytes);
        for (const [i, index] of batch.entries()) {
          const row = required(rows[index], `image ${index}`);
          memory.set(images.subarray(row * length, (row + 1) * length), i * length);
        }
        yield await Promise.resolve(memory.subarray(0, bytes));
      }
    },
  };
}

function alignedBytes(bytes: number): Uint8Array<ArrayBuffer> {
  const memory = new Uint8Array(bytes + ALIGNMENT);
  const start = bytesToAlignment(memory);
  return memory.subarray(start, start + bytes);
}
