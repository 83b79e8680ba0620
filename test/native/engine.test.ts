// The engine as a whole: resumable, and exact about batches and what it counts.
import { batchAt } from '../../src/data/image-source.js';
import './support/without-onednn.js';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import type { ImageSet } from '../../src/data/dataset.js';
import { buildModel } from '../../src/models/models.js';
import { tf, type Tensor1D, type Tensor2D } from '../../src/native/tensorflow.js';
import type { Mode } from '../../src/nn/network.js';
import type { State } from '../../src/session/slot.js';
import { createEngine } from '../../src/tasks/engine.js';
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
    }).toThrow(/internal: the session has no state ema/);
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
    expect(train(engine, config, 0, 3).map(({ examples }) => examples)).toEqual([8, 8, 4]);
    const five = batchOf(config, 0).subarray(0, 5);
    expect(() => engine.trainStep(3, batchAt(five), 0.05)).toThrow(
      /indices of train_last is int32 \[4\]/,
    );
    engine.dispose();
  });

  test('a set smaller than the batch size is one batch', () => {
    const config = tinyConfig({ train: 6 });
    const engine = tinyEngine(config);
    expect(train(engine, config, 0, 2).map(({ examples }) => examples)).toEqual([6, 6]);
    engine.dispose();
  });

  test('the order within a batch does not matter without augmentation', () => {
    const config = tinyConfig({ augmentation: { flip: false, cropPadding: 0, cutout: 0 } });
    const [one, two] = [tinyEngine(config), tinyEngine(config)];
    const indices = Int32Array.of(3, 1, 4, 15, 9, 2, 6, 5);
    const [forth, back] = [
      one.trainStep(0, batchAt(indices), 0.05),
      two.trainStep(0, batchAt(indices.toReversed()), 0.05),
    ];
    const [b, f] = [back.numbers, forth.numbers];
    expect(b['train_loss']).toBeCloseTo(f['train_loss'] ?? NaN, 5);
    expect(b['train_accuracy']).toBe(f['train_accuracy']);
    one.dispose();
    two.dispose();
  });
});

describe('evaluation', () => {
  test('is the same in batches of any size', async () => {
    const results = [];
    for (const evaluationBatchSize of [8, 5, 64]) {
      const config = tinyConfig({ evaluationBatchSize });
      const options = { mode: 'compiled', evaluates: ['train', 'test'] } as const;
      const engine = createEngine(config, tinyDataset(config), options);
      train(engine, config, 0, 2);
      results.push({ train: await engine.evaluate('train'), test: await engine.evaluate('test') });
      engine.dispose();
    }
    const [first, ...others] = results;
    for (const [split, images] of [
      ['train', 20],
      ['test', 12],
    ] as const) {
      // prettier-ignore
      const wanted = required(first, 'first')[split];
      expect(wanted.examples).toBe(images);
      const loss = `${split}_loss`;
      const near = { [loss]: expect.closeTo(wanted.numbers[loss] ?? NaN, 5) as number };
      for (const { [split]: got } of others) {
        expect(got).toEqual({ ...wanted, numbers: { ...wanted.numbers, ...near } });
      }
    }
  });

  test('gives what the logits say, worked out by hand, and leaves the state alone', async () => {
    const config = tinyConfig();
    const engine = tinyEngine(config);
    train(engine, config, 0, 3);
    const state = engine.readState();
    const { test: images } = tinyDataset(config);
    const all = Int32Array.from(images.labels.keys());
    const byHand = expectation(config, state, images, all, 'evaluation');
    const { numbers } = await engine.evaluate('test');
    expect(numbers['test_loss']).toBeCloseTo(byHand.loss, 5);
    expect(numbers['test_accuracy']).toBe((100 * byHand.correct) / images.labels.length);
    expect(bytes(engine.readState())).toEqual(bytes(state));
    engine.dispose();
  });

  test('needs no training step, and an engine without one refuses to train', async () => {
    const config = tinyConfig();
    const trained = tinyEngine(config);
    train(trained, config, 0, 2);
    const options = { mode: 'compiled', trains: false } as const;
    const alone = createEngine(config, tinyDataset(config), options);
    alone.writeState(trained.readState());
    expect(await alone.evaluate('test')).toEqual(await trained.evaluate('test'));
    expect(() => alone.trainStep(0, batchAt(batchOf(config, 0)), 0.05)).toThrow(
      /internal: what is trained on is missing/,
    );
    await expect(async () => alone.evaluate('train')).rejects.toThrow(/does not evaluate on train/);
    for (const engine of [trained, alone]) engine.dispose();
  });

  test('a training step counts what the logits at w say', () => {
    const config = tinyConfig({ augmentation: { flip: false, cropPadding: 0, cutout: 0 } });
    const engine = tinyEngine(config);
    train(engine, config, 0, 3);
    const indices = batchOf(config, 3);
    const { train: images } = tinyDataset(config);
    const byHand = expectation(config, engine.readState(), images, indices, 'training');
    const { numbers } = engine.trainStep(3, batchAt(indices), 0.05);
    expect(numbers['train_loss']).toBeCloseTo(byHand.loss, 5);
    expect(numbers['train_accuracy']).toBe(byHand.correct);
    engine.dispose();
  });
});

/** Mean cross-entropy and correct answers for `indices`, in double precision from the network's logits. */
function expectation(
  config: Config,
  state: State,
  { images, labels }: ImageSet<Uint8Array>,
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
    return (network.forward(...vectors, batch, mode).output as Tensor2D).arraySync();
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
