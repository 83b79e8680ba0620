// A stand-in for a data set where nothing of it is read: synthetic images or tokens of its shape, which
// reach the training step as its own would.
import { ALIGNMENT, bytesToAlignment } from '../native/pixels.js';
import { required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import {
  isText,
  type Dataset,
  type DatasetShape,
  type ImageDataset,
  type ImageShape,
  type ImageStream,
  type TextDataset,
  type TextShape,
} from './dataset.js';
import { makeSynthetic } from './synthetic.js';

/** Batches of images that are made, of a set that lies on the device. */
const BATCHES = 4;
/** With the one that is handed on they are as large as the ring that training reads pictures into. */
const STREAMED_BATCHES = 2;
/** Classes that have images: each takes memory of its own while they are made. */
const MOST_CLASSES = 16;

interface Wanted {
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * A set of a few batches to train on, with none to evaluate on.
 *
 * @param shape of square images, or of a text
 */
export function standInFor(shape: ImageShape, wanted: Wanted): ImageDataset;
export function standInFor(shape: DatasetShape, wanted: Wanted): Dataset;
export function standInFor(shape: DatasetShape, wanted: Wanted): Dataset {
  return isText(shape) ? textFor(shape, wanted) : imagesFor(shape, wanted);
}

/** Tokens drawn one by one. */
function textFor(shape: TextShape, { batchSize, seed }: Wanted): TextDataset {
  const { classes, context, tokensPerCharacter } = shape;
  const examples = BATCHES * batchSize;
  const stream = randomStream(seed, 'synthetic');
  const tokens = Uint16Array.from({ length: examples * context + 1 }, () =>
    stream.integer(classes),
  );
  return {
    ...{ name: 'synthetic', source: 'synthetic', classes, context, tokensPerCharacter },
    train: { tokens, examples },
    test: { tokens: new Uint16Array(), examples: 0 },
  };
}

function imagesFor(shape: ImageShape, { batchSize, seed }: Wanted): ImageDataset {
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
