// Batches in parts: the mean of gradients worked out part by part.
import './support/without-onednn.js';
import { describe, expect, test } from 'vitest';
import { modelSchema, type OptimizerConfig } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { tf, type Tensor1D, type Tensor4D } from '../../src/native/tensorflow.js';
import { ALIKE } from '../../src/optim/rule.js';
import { batchAt } from '../../src/data/image-source.js';
import { trainOn, wholly } from '../../src/session/passes.js';
import { randomStream } from '../../src/util/random.js';
import { distance, expectNear, expectNoDifferences } from './support/compare.js';
import {
  after,
  batchOf,
  bytes,
  tinyConfig,
  tinyEngine,
  tracedFromEager,
} from './support/engine.js';
import { CROSS_ENTROPY } from './support/task.js';
import { describeOptimizer, optimizerConfig, optimizerOf } from './support/optimizers.js';

const [BATCH, SIDE, CLASSES, RATE, DECAY, RHO] = [8, 16, 4, 0.1, 1e-3, 0.05];
const shape = { height: SIDE, width: SIDE, channels: 3, classes: CLASSES };
const network = buildModel(modelSchema.parse({ name: 'wrn-10-1', width: 4 }), shape);
const start = network.initialise(3);
const stream = randomStream(5, 'synthetic');
const pixels = Float32Array.from({ length: BATCH * SIDE * SIDE * 3 }, () => stream.normal());
// The classifier starts at 0, where all gradients but its own are.
const w0 = start.parameters.map((x) => x + 0.05 * stream.normal());
const ema0 = w0.map(() => 0.01 * stream.normal());

const vector = (values: Float32Array): Tensor1D => tf.tensor1d(values);
const values = (tensor: Tensor1D): Float32Array => tensor.dataSync<'float32'>().slice();

function batch(begin: number, size: number) {
  const images: Tensor4D = tf.slice(tf.tensor4d(pixels, [BATCH, SIDE, SIDE, 3]), begin, size);
  const labels = Array.from({ length: size }, (_, i) => (begin + i) % CLASSES);
  return { input: images, targets: { labels: tf.tensor1d(labels, 'int32') } };
}

/** A step from w0 with momentum 0, on images `begin` to `begin + size`. */
function step(config: OptimizerConfig, microBatches: number, begin = 0, size = BATCH) {
  const optimizer = optimizerOf(config, network.parameters.tensors);
  return tf.tidy(() => {
    const scalars = Object.entries(optimizer.scalars(1, RATE));
    const { state, parts, gradient } = trainOn(
      { network, optimizer, task: CROSS_ENTROPY, microBatches },
      wholly(batch(begin, size)),
      undefined,
      {
        parameters: vector(w0),
        statistics: vector(start.statistics),
        momentum: vector(w0.map(() => 0)),
        ...(optimizer.state.includes('ema') ? { ema: vector(ema0) } : {}),
      },
      Object.fromEntries(scalars.map(([name, value]) => [name, tf.scalar(value)])),
      ALIKE,
    );
    return {
      w: values(state['parameters'] as Tensor1D),
      statistics: values(state['statistics'] as Tensor1D),
      ema: values((state['ema'] ?? tf.tensor1d([])) as Tensor1D),
      gradient: values(gradient),
      descent: parts.map((part) => values(part.gradient)),
      first: parts.map((part) => values(part.first.gradient)),
    };
  });
}

const mean = (a: Float32Array, b: Float32Array) => a.map((x, i) => (x + (b[i] ?? NaN)) / 2);

describe.each(['sgd', 'sam', 'fsam'] as const)('%s in two parts', (name) => {
  const config = optimizerConfig({ name, rho: RHO, weightDecay: DECAY });
  const whole = step(config, 2);
  const [a, b] = [step(config, 1, 0, 4), step(config, 1, 4, 4)];

  test('each part finds what it finds alone', () => {
    expect(whole.descent).toHaveLength(2);
    expectNear('first part', whole.descent[0] ?? [], a.descent[0] ?? [], 1e-5);
    expectNear('second part', whole.descent[1] ?? [], b.descent[0] ?? [], 1e-5);
  });

  test('descends along the mean of the two gradients', () => {
    const g = mean(a.descent[0] as Float32Array, b.descent[0] as Float32Array);
    const wanted = w0.map((w, i) => w - RATE * ((g[i] ?? NaN) + DECAY * w));
    expectNear(
      'the change of w',
      whole.w.map((w, i) => w - (w0[i] ?? NaN)),
      wanted.map((w, i) => w - (w0[i] ?? NaN)),
      1e-4,
    );
  });

  test('the gradient told of is that of the whole batch at w', () => {
    const g = mean(a.first[0] as Float32Array, b.first[0] as Float32Array);
    expectNear('the gradient', whole.gradient, g, 1e-5);
    expect(distance(whole.gradient, a.first[0] as Float32Array)).toBeGreaterThan(0.1);
  });

  test('running statistics take one part after the other', () => {
    // 0.9 (0.9 s + 0.1 a) + 0.1 b, and a part alone gives 0.9 s + 0.1 a.
    const wanted = start.statistics.map((s, i) => {
      const own = (one: Float32Array) => ((one[i] ?? NaN) - 0.9 * s) / 0.1;
      return 0.9 * (0.9 * s + 0.1 * own(a.statistics)) + 0.1 * own(b.statistics);
    });
    expectNear('statistics', whole.statistics, wanted, 1e-5);
  });
});

test("F-SAM's moving average takes in the mean gradient", () => {
  const config = optimizerConfig({ name: 'fsam', rho: RHO, lambda: 0.6 });
  const { ema, first } = step(config, 2);
  const g = mean(first[0] as Float32Array, first[1] as Float32Array);
  expectNear(
    'the moving average',
    ema,
    ema0.map((m, i) => 0.6 * m + 0.4 * (g[i] ?? NaN)),
    1e-5,
  );
});

test('parts of unequal size count by their images', () => {
  const { descent, gradient } = step(optimizerConfig({ name: 'sgd' }), 3);
  expect(descent).toHaveLength(3);
  // 8 images are cut into 2, 3 and 3.
  const wanted = w0.map(
    (_, i) =>
      (2 * (descent[0]?.[i] ?? NaN) + 3 * (descent[1]?.[i] ?? NaN) + 3 * (descent[2]?.[i] ?? NaN)) /
      8,
  );
  expectNear('the gradient', gradient, wanted, 1e-5);
});

const kinds = (['sgd', 'sam', 'fsam'] as const).map((name) => optimizerConfig({ name, rho: RHO }));

const shared = (['sam', 'fsam'] as const).map((name) =>
  optimizerConfig({ name, rho: RHO, perturbation: 'shared' }),
);
const cuts = [{ microBatches: 3 }, { devices: 2 }, { devices: 3, microBatches: 2 }];
const cases = [...kinds, ...shared].flatMap((optimizer) =>
  cuts.map((keys) => ({
    what: `${describeOptimizer(optimizer)} ${optimizer.perturbation} ${JSON.stringify(keys)}`,
    ...{ optimizer, keys },
  })),
);

test.each(cases)('$what: traced is eager, the short last batch included', ({ optimizer, keys }) => {
  expectNoDifferences((seed) =>
    tracedFromEager(tinyConfig({ optimizer, seed, size: 32, train: 20, keys }), 0.01, 1e-5),
  );
});

test('a network that draws has the same numbers on two devices as in two parts', () => {
  const model = { name: 'vit', patch: 8, width: 12, layers: 2, heads: 3, dropPath: 0.5 } as const;
  const optimizer = optimizerConfig({ name: 'fsam', rho: RHO });
  const [inTurn, sideBySide] = [{ microBatches: 2 }, { devices: 2 }].map((keys) => {
    const config = tinyConfig({
      optimizer,
      seed: 1,
      size: 16,
      train: 16,
      keys: { ...keys, model },
    });
    return bytes(after(config, 3));
  });
  expect(sideBySide).toEqual(inTurn);
});

test('parts really are on different devices', () => {
  const optimizer = optimizerConfig({ name: 'sam', rho: RHO });
  const config = tinyConfig({ optimizer, seed: 1, size: 16, train: 16, keys: { devices: 2 } });
  const engine = tinyEngine(config);
  const records: string[] = [];
  engine.trainStep(0, batchAt(batchOf(config, 0)), 0.05, (metadata) => {
    records.push(Buffer.from(metadata).toString('latin1'));
  });
  engine.dispose();
  // In whichever order they were done.
  expect(records[0]).toContain('device:CPU:0');
  expect(records[0]).toContain('device:CPU:1');
});
