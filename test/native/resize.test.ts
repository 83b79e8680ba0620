// Images enlarged in the graph: Pillow's pixels but for its rounding, in training and evaluation, and what is refused.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { enlarged, networkInput } from '../../src/data/resize.js';
import { inMemory, shapeOf } from '../../src/data/dataset.js';
import { tf, type Tensor4D } from '../../src/native/tensorflow.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { createTask } from '../../src/tasks/tasks.js';
import { required } from '../../src/util/errors.js';
import { fill } from './support/golden.js';
import { tinyConfig, tinyDataset, tinyEngine, tracedFromEager } from './support/engine.js';

interface Resized {
  readonly image: number;
  readonly from: number;
  readonly to: number;
  /** So many bytes are from one of `bytes` (base64) to the next. */
  readonly every: number;
  readonly bytes: string;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../golden/resize.json', import.meta.url), 'utf8'),
) as { cases: Resized[] };

/** Pixels of image `k` by the formula: whole numbers from 0 to 255, [1 H W C]. */
const pixels = (k: number, side: number): Float32Array =>
  fill(k, side * side * 3, 256, 128).map(Math.floor);

test.each(cases)(
  'image $image, $from to $to: Pillow’s pixels',
  ({ image, from, to, every, bytes }) => {
    const program = loadGraph(
      traceProgram({
        variables: {},
        functions: {
          enlarge: {
            inputs: { images: { dtype: 'float32', shape: [1, from, from, 3] } },
            state: [],
            body: (_, { images }) => ({ outputs: { large: enlarged(images as Tensor4D, to) } }),
          },
        },
      }),
    );
    const { large } = program.run('enlarge', { images: pixels(image, from) });
    program.dispose();
    const eager = enlarged(tf.tensor(pixels(image, from), [1, from, from, 3]), to);
    expect([...eager.dataSync()]).toEqual([...(large as Float32Array)]);
    const wanted = Buffer.from(bytes, 'base64');
    expect(wanted).toHaveLength(Math.ceil((to * to * 3) / every));
    // Pillow rounds to bytes after the rows, and again after the columns: at most half a step each.
    let [most, sum] = [0, 0];
    wanted.forEach((byte, i) => {
      const apart = Math.abs(required(large?.[i * every], 'a pixel') - byte);
      most = Math.max(most, apart);
      sum += apart;
    });
    expect(most).toBeLessThan(from === to ? 1e-4 : 1);
    expect(sum / wanted.length).toBeLessThan(0.4);
  },
);

const model = { name: 'vit', patch: 8, width: 8, layers: 1, heads: 2 } as const;
const large = tinyConfig({
  keys: {
    model,
    data: { ...tinyConfig().data, resize: 24 },
  },
});

test('the network reads the larger images; traced is eager', () => {
  expect(networkInput(large.data, { height: 8, width: 8, channels: 3 })).toEqual({
    height: 24,
    width: 24,
    channels: 3,
    isEnlarged: true,
  });
  expect(tracedFromEager(large, 0.05, 1e-4)).toEqual([]);
});

test('what is enlarged is the augmented image: keys of augmentation count pixels of the set', () => {
  const small = tinyConfig({ keys: { model } });
  const { train } = tinyDataset(small);
  const batch = 8;
  const images = inMemory(train).subarray(0, batch * 8 * 8 * 3);
  const shape = shapeOf(tinyDataset(small));
  const [plain, resized] = [small, large].map((config) => createTask(config, shape));
  const draws = required(resized, 'task').draw(3, batch);
  expect(draws).toEqual(plain?.draw(3, batch));
  const program = loadGraph(
    traceProgram({
      variables: { images: { dtype: 'uint8', shape: [batch, 8, 8, 3] } },
      functions: {
        both: {
          inputs: { ...plain?.drawn(batch) },
          state: ['images'],
          body: (state, drawn) => {
            const examples = {
              images: required(state['images'], 'images'),
              labels: tf.zeros([batch], 'int32'),
            };
            const of = (task: typeof plain) =>
              required(task, 'task').augmented(examples, drawn).input;
            return {
              outputs: { wanted: enlarged(of(plain) as Tensor4D, 24), got: of(resized) },
            };
          },
        },
      },
    }),
  );
  program.write('images', images);
  const { wanted, got } = program.run('both', draws);
  expect(got).toHaveLength(batch * 24 * 24 * 3);
  expect(got).toEqual(wanted);
  program.dispose();
});

test('that no network takes names the key that made it so', () => {
  const config = tinyConfig({ keys: { model, data: { ...tinyConfig().data, resize: 25 } } });
  expect(() => tinyEngine(config)).toThrow(
    /^model\.patch: got \d+ for images of 25x25, .*; it is data\.resize that makes them 25x25$/,
  );
});

test('smaller than the images is refused', () => {
  const config = tinyConfig({ keys: { model, data: { ...tinyConfig().data, resize: 7 } } });
  expect(() => tinyEngine(config)).toThrow(
    'data.resize: got 7 for images of 8x8, wanted at least 8: images are enlarged only',
  );
  const { height, width } = shapeOf(tinyDataset(large));
  expect(networkInput({ name: 'imagenet', resize: 7 }, { height, width })).toEqual({
    height,
    width,
  });
});
