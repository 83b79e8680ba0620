// Images that are read as they are asked for train and evaluate as those that the device holds.
import './support/without-onednn.js';
import { afterEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import { inMemory, shapeOf, type ImageDataset, type ImageStream } from '../../src/data/dataset.js';
import { withLabelNoise } from '../../src/data/label-noise.js';
import type { Closable } from '../../src/data/source.js';
import { holdOut, takeSubset } from '../../src/data/subset.js';
import type { Engine } from '../../src/session/engine.js';
import type { Mode } from '../../src/session/session.js';
import { createEngine } from '../../src/tasks/engine.js';
import { required } from '../../src/util/errors.js';
import { bytes, tinyConfig, tinyDataset } from './support/engine.js';

/** Epochs of the streams read so far; null: evaluated. */
const read: (number | null)[] = [];
/** How many streams were closed. */
let closed = 0;

afterEach(() => {
  read.length = 0;
  closed = 0;
});

/** Bytes that TensorFlow takes without a copy: what may grow begins with a page. */
const aligned = (bytes: number): Uint8Array =>
  new Uint8Array(Reflect.construct(ArrayBuffer, [bytes, { maxByteLength: bytes }]) as ArrayBuffer);

/** Streams of images that memory does hold, through one array that is filled again and again. */
function streamOf(images: Uint8Array, length: number): ImageStream {
  const at = (index: number) => images.subarray(index * length, (index + 1) * length);
  return {
    pick: (indices) => {
      const picked = new Uint8Array(indices.length * length);
      indices.forEach((index, i) => {
        picked.set(at(index), i * length);
      });
      return streamOf(picked, length);
    },
    needs: (batchSize) => ({ threads: 0, bytes: batchSize * length }),
    read(batches, epoch): Closable<Uint8Array> {
      read.push(epoch);
      const all = [...batches];
      const memory = aligned(Math.max(...all.map((batch) => batch.length)) * length);
      let next = 0;
      return {
        [Symbol.asyncIterator]() {
          return this;
        },
        next: () => {
          memory.fill(255);
          const batch = all[next++];
          batch?.forEach((index, i) => {
            memory.set(at(index), i * length);
          });
          const filled = batch && memory.subarray(0, batch.length * length);
          return Promise.resolve(
            filled ? { done: false, value: filled } : { done: true, value: undefined },
          );
        },
        return: () => {
          closed++;
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

function streamed({ train, test: tested, validation, ...dataset }: ImageDataset): ImageDataset {
  const length = dataset.height * dataset.width * dataset.channels;
  const stream = (set: typeof train) => ({ ...set, images: streamOf(inMemory(set), length) });
  return {
    ...dataset,
    train: stream(train),
    test: stream(tested),
    ...(validation && { validation: stream(validation) }),
  };
}

/** What two epochs of training, the second from its second batch on, and both evaluations leave. */
async function results(config: Config, dataset: ImageDataset, mode: Mode) {
  const engine = createEngine(config, dataset, { mode });
  try {
    const numbers: unknown[] = [];
    for (const [epoch, from] of [
      [0, 0],
      [1, 1],
    ] as const) {
      for await (const batch of required(engine.training, 'training').batches(epoch, from)) {
        numbers.push(engine.trainStep(3 * epoch + numbers.length, batch, 0.05));
      }
    }
    return { numbers, tested: await engine.evaluate('test'), ...(await rest(engine, dataset)) };
  } finally {
    engine.dispose();
  }
}

const rest = async (engine: Engine, { validation }: ImageDataset) => ({
  validated: validation && (await engine.evaluate('validation')),
  state: bytes(engine.readState()),
});

const labelNoise = { rate: 0.4 };

describe.each(['compiled', 'eager'] as const)('streamed and held, %s', (mode) => {
  test.each<[string, Parameters<typeof tinyConfig>[0]]>([
    ['flipped, cropped, cut', {}],
    ['as they are', { augmentation: { flip: false, cropPadding: 0, cutout: 0 } }],
    ['with wrong labels and images held out', { keys: { labelNoise } }],
    ['in parts, without a short batch', { keys: { microBatches: 2, dropLast: true } }],
  ])('%s: the same bytes', async (_, options) => {
    const config = tinyConfig(options);
    const whole =
      config.labelNoise.rate > 0 ? holdOut(tinyDataset(config), 4, 1) : tinyDataset(config);
    const held = await withLabelNoise(whole, config);
    const stream = await withLabelNoise(streamed(whole), config);
    expect([shapeOf(held).streamed, shapeOf(stream).streamed]).toEqual([false, true]);
    expect(await results(config, stream, mode)).toEqual(await results(config, held, mode));
    expect(read.slice(0, 2)).toEqual([0, 1]);
    expect(read.slice(2).every((epoch) => epoch === null)).toBe(true);
  });
});

test('a part of a stream is that part of the set, and so is what is held out of it', async () => {
  const config = tinyConfig();
  const part = (dataset: ImageDataset) =>
    takeSubset(holdOut(dataset, 4, 5), { train: 9, test: 8 }, 3);
  const held = part(tinyDataset(config));
  const stream = part(streamed(tinyDataset(config)));
  expect(stream.train.labels).toEqual(held.train.labels);
  expect(await results(config, stream, 'compiled')).toEqual(
    await results(config, held, 'compiled'),
  );
});

test('an evaluation that is left early closes its stream', async () => {
  const config = tinyConfig();
  const engine = createEngine(config, streamed(tinyDataset(config)), { mode: 'eager' });
  const parts = engine.evaluateInParts('test');
  await parts.next();
  expect(closed).toBe(0);
  await parts.return?.();
  expect(closed).toBe(1);
  engine.dispose();
});
