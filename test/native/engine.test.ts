// The engine as a whole: resumable, and exact about batches and what it counts.
import './support/without-onednn.js';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import type { ImageSet } from '../../src/data/dataset.js';
import { buildModel } from '../../src/models/models.js';
import { tf, type Tensor1D } from '../../src/native/tensorflow.js';
import type { Mode } from '../../src/nn/network.js';
import type { State } from '../../src/train/engine.js';
import { required } from '../../src/util/errors.js';
import { batchOf, bytes, tinyConfig, tinyDataset, tinyEngine, train } from './support/engine.js';
import { describeOptimizer, everyOptimizer, optimizerConfig } from './support/optimizers.js';

describe('state', () => {
  const all = [{}, { weightAverage: 0.9 }].flatMap((keys) =>
    everyOptimizer.map((optimizer) => ({ optimizer, keys })),
  );
  const found = new Set<string>();
  /** Those with a vector of state that none before them has, so that every one is among them, and the last, of most. */
  const stateful = all.filter((options) => {
    const engine = tinyEngine(tinyConfig(options), 'eager');
    const before = found.size;
    for (const { name } of engine.slots) found.add(name);
    engine.dispose();
    return found.size > before || options === all.at(-1);
  });

  test.each(
    stateful.map(
      (options) =>
        [
          `${describeOptimizer(options.optimizer)} ${JSON.stringify(options.keys)}`,
          options,
        ] as const,
    ),
  )('%s: written into a new engine, training goes on as if it had never stopped', (_, options) => {
    const config = tinyConfig(options);
    const [straight, resumed] = [tinyEngine(config), tinyEngine(config)];
    train(straight, config, 0, 2);
    const state = straight.readState();
    expect([...state.keys()]).toEqual(straight.slots.map(({ name }) => name));
    train(resumed, config, 7, 8);
    resumed.writeState(state);
    expect(bytes(resumed.readState())).toEqual(bytes(state));
    expect(train(resumed, config, 2, 5)).toEqual(train(straight, config, 2, 5));
    expect(bytes(resumed.readState())).toEqual(bytes(straight.readState()));
    straight.dispose();
    resumed.dispose();
  });

  test('the tensors of every slot cover its vector end to end, under names of their own', () => {
    const engine = tinyEngine(tinyConfig({ keys: { weightAverage: 0.9 } }));
    const state = engine.readState();
    for (const { name, size, tensors } of engine.slots) {
      let end = 0;
      for (const { offset, shape } of tensors) {
        expect(offset).toBe(end);
        end += shape.reduce((product, extent) => product * extent, 1);
      }
      expect(end).toBe(size);
      expect(required(state.get(name), name)).toHaveLength(size);
    }
    const names = engine.slots.flatMap(({ tensors }) => tensors.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    engine.dispose();
  });

  test('of another engine is refused', () => {
    const fsam = tinyEngine(tinyConfig());
    const sgd = tinyEngine(tinyConfig({ optimizer: optimizerConfig({ name: 'sgd' }) }));
    const wider = tinyEngine(tinyConfig({ width: 5 }));
    expect(() => {
      sgd.writeState(fsam.readState());
    }).toThrow(/internal: the engine has no state ema/);
    expect(() => {
      fsam.writeState(sgd.readState());
    }).toThrow(/internal: state ema is missing/);
    expect(() => {
      wider.writeState(fsam.readState());
    }).toThrow(/internal: parameters is float32/);
    for (const engine of [fsam, sgd, wider]) engine.dispose();
  });
});

describe('batches', () => {
  test('the short last one is used, and any other size refused', () => {
    const config = tinyConfig();
    const engine = tinyEngine(config);
    expect(train(engine, config, 0, 3).map(({ images }) => images)).toEqual([8, 8, 4]);
    const five = batchOf(config, 0).subarray(0, 5);
    expect(() => engine.trainStep(3, five, 0.05)).toThrow(/indices of train_last is int32 \[4\]/);
    engine.dispose();
  });

  test('a set smaller than the batch size is one batch', () => {
    const config = tinyConfig({ train: 6 });
    const engine = tinyEngine(config);
    expect(train(engine, config, 0, 2).map(({ images }) => images)).toEqual([6, 6]);
    engine.dispose();
  });

  test('the order within a batch does not matter without augmentation', () => {
    const config = tinyConfig({ augmentation: { flip: false, cropPadding: 0, cutout: 0 } });
    const [one, two] = [tinyEngine(config), tinyEngine(config)];
    const indices = Int32Array.of(3, 1, 4, 15, 9, 2, 6, 5);
    const [forth, back] = [
      one.trainStep(0, indices, 0.05),
      two.trainStep(0, indices.toReversed(), 0.05),
    ];
    expect(back.loss).toBeCloseTo(forth.loss, 5);
    expect(back.correct).toBe(forth.correct);
    one.dispose();
    two.dispose();
  });
});

describe('evaluation', () => {
  test('is the same in batches of any size', () => {
    const [first, ...others] = [8, 5, 64].map((evaluationBatchSize) => {
      const config = tinyConfig({ evaluationBatchSize });
      const engine = tinyEngine(config);
      train(engine, config, 0, 2);
      const results = { train: engine.evaluate('train'), test: engine.evaluate('test') };
      engine.dispose();
      return results;
    });
    for (const [split, images] of [
      ['train', 20],
      ['test', 12],
    ] as const) {
      // prettier-ignore
      const wanted = required(first, 'first')[split];
      expect(wanted.images).toBe(images);
      for (const { [split]: got } of others) {
        expect(got).toEqual({ ...wanted, loss: expect.closeTo(wanted.loss, 5) as number });
      }
    }
  });

  test('gives what the logits say, worked out by hand, and leaves the state alone', () => {
    const config = tinyConfig();
    const engine = tinyEngine(config);
    train(engine, config, 0, 3);
    const state = engine.readState();
    const { test: images } = tinyDataset(config);
    const all = Int32Array.from(images.labels.keys());
    const byHand = expectation(config, state, images, all, 'evaluation');
    const { loss, correct } = engine.evaluate('test');
    expect(loss).toBeCloseTo(byHand.loss, 5);
    expect(correct).toBe(byHand.correct);
    expect(bytes(engine.readState())).toEqual(bytes(state));
    engine.dispose();
  });

  test('a training step counts what the logits at w say', () => {
    const config = tinyConfig({ augmentation: { flip: false, cropPadding: 0, cutout: 0 } });
    const engine = tinyEngine(config);
    train(engine, config, 0, 3);
    const indices = batchOf(config, 3);
    const { train: images } = tinyDataset(config);
    const byHand = expectation(config, engine.readState(), images, indices, 'training');
    const { loss, correct } = engine.trainStep(3, indices, 0.05);
    expect(loss).toBeCloseTo(byHand.loss, 5);
    expect(correct).toBe(byHand.correct);
    engine.dispose();
  });
});

/** Mean cross-entropy and correct answers for `indices`, in double precision from the network's logits. */
function expectation(
  config: Config,
  state: State,
  { images, labels }: ImageSet,
  indices: Int32Array,
  mode: Mode,
) {
  const { channels, classes, height, width, mean, std } = tinyDataset(config);
  const network = buildModel(config.model, { height: 32, width: 32, channels, classes });
  const size = height * width * channels;
  const pixels = Array.from(indices).flatMap((index) =>
    Array.from(images.subarray(index * size, (index + 1) * size)).map(
      (byte, i) => (byte / 255 - (mean[i % channels] ?? 0)) / (std[i % channels] ?? 0),
    ),
  );
  const logits = tf.tidy(() => {
    const vectors = ['parameters', 'statistics'].map((name) =>
      tf.tensor1d(required(state.get(name), name)),
    ) as [Tensor1D, Tensor1D];
    const batch = tf.tensor4d(pixels, [indices.length, height, width, channels]);
    return network.forward(...vectors, batch, mode).logits.arraySync();
  });
  let [loss, correct] = [0, 0];
  logits.forEach((row, i) => {
    const label = required(labels[indices[i] ?? 0], 'label');
    const total = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    loss += (Math.log(total) - required(row[label], 'logit')) / logits.length;
    if (row.indexOf(Math.max(...row)) === label) correct++;
  });
  return { loss, correct };
}
