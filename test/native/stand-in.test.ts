// What stands in for a data set in a benchmark: the step over it is the step over the set.
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { isStream, shapeOf, type ImageShape } from '../../src/data/dataset.js';
import { fullBatches } from '../../src/data/source.js';
import { standInFor } from '../../src/data/stand-in.js';
import { bytesToAlignment } from '../../src/native/pixels.js';
import { createEngine, describeStep } from '../../src/tasks/engine.js';
import { required } from '../../src/util/errors.js';
import { configFrom } from '../support/configs.js';

const config = configFrom(
  'imagenet-resnet18',
  ...['data.imageSize=32', 'data.resizeTo=32', 'model.width=2', 'batchSize=5', 'device=cpu'],
);
const shape: ImageShape = {
  ...{ classes: 1000, height: 32, width: 32, channels: 3 },
  ...{ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  ...{ trainCount: 1_281_167, testCount: 50_000, validationCount: 0 },
  ...{ labelNoise: false, streamed: true },
};
const bytes = 32 * 32 * 3;

test('of a set that is streamed is streamed, and the step is that of the set', async () => {
  const dataset = standInFor(shape, config);
  const counts = { trainCount: 10, testCount: 0 };
  expect(shapeOf(dataset)).toMatchObject({ ...shape, ...counts });
  expect(describeStep(config, shapeOf(dataset))).toBe(describeStep(config, shape));

  const engine = createEngine(config, dataset, { mode: 'compiled', evaluates: [] });
  const batches = fullBatches(required(engine.training ?? undefined, 'training'));
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const { value: batch } = await batches.next();
    const images = batch.inputs['images'] as Uint8Array;
    expect([images.length, bytesToAlignment(images)]).toEqual([5 * bytes, 0]);
    losses.push(engine.trainStep(step, batch, 0.01).numbers['train_loss'] ?? NaN);
  }
  await batches.return(undefined as never);
  engine.dispose();
  expect(losses.every((loss) => loss > 0)).toBe(true);
});

test('gives the images that are asked for, of sets that are picked, too', async () => {
  const { images } = standInFor(shape, config).train;
  if (!isStream(images)) throw new Error('is no stream');
  const read = async (stream: typeof images, ...indices: number[]) => {
    const { value } = await stream.read([Int32Array.from(indices)], 0).next();
    return Buffer.from(value as Uint8Array);
  };
  const [third, first] = [await read(images, 3), await read(images, 1)];
  expect(third.equals(first)).toBe(false);
  expect((await read(images, 3, 1)).equals(Buffer.concat([third, first]))).toBe(true);
  expect((await read(images.pick(Int32Array.of(1, 3)), 1)).equals(third)).toBe(true);
});

test('of a set that the device holds is held, four batches of it', () => {
  const dataset = standInFor({ ...shape, classes: 10, streamed: false }, config);
  expect(dataset.train.images).toHaveLength(4 * 5 * bytes);
  expect([...dataset.train.labels.slice(8, 12)]).toEqual([8, 9, 0, 1]);
});
