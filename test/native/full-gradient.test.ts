// The full gradient that SAM-full and SAM-noise climb by: what it is the mean of, and where it is the batch's.
import { afterEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import type { Engine } from '../../src/session/engine.js';
import { UserError } from '../../src/util/errors.js';
import { required } from '../../src/util/errors.js';
import { distance } from './support/compare.js';
import { bytes, tinyConfig, tinyEngine, type TinyOptions } from './support/engine.js';
import { optimizerConfig } from './support/optimizers.js';

const opened: Engine[] = [];
const open = (config: Config): Engine => {
  const engine = tinyEngine(config);
  opened.push(engine);
  return engine;
};

afterEach(() => {
  for (const engine of opened.splice(0)) engine.dispose();
});

type OptimizerKeys = Parameters<typeof optimizerConfig>[0];

const configured = (keys: OptimizerKeys, options: TinyOptions = {}): Config =>
  tinyConfig({ width: 2, ...options, optimizer: optimizerConfig(keys) });

/** Takes the full gradient of a step, if it is due one. */
async function takeFull(engine: Engine, step: number, perEpoch: number): Promise<boolean> {
  const at = { epoch: Math.floor(step / perEpoch), stepInEpoch: step % perEpoch, step };
  const parts = engine.fullGradient(at);
  if (parts === null) return false;
  for (;;) if ((await parts.next()).done === true) return true;
}

/** Trains from step `from` on as the loop does, on the batches that the engine itself has. */
async function trainOn(engine: Engine, from: number, to: number, perEpoch: number) {
  const source = required(engine.training ?? undefined, 'what is trained on');
  for (let step = from; step < to; step++) {
    await takeFull(engine, step, perEpoch);
    const batches = source.batches(Math.floor(step / perEpoch), step % perEpoch);
    const { value } = await batches.next();
    engine.trainStep(step, required(value ?? undefined, 'a batch'), 0.05);
    await batches.return();
  }
}

/** What it is, at the weights that `engine` has. */
const fullOf = (engine: Engine): Float32Array =>
  required(engine.readState().get('fullGradient'), 'fullGradient');

/** The gradient of each batch of epoch 0, as one step of plain descent at rate 1 shows it, and its size. */
async function gradientsOfBatches(config: Config, perEpoch: number) {
  const plain = { name: 'sgd', momentum: 0, weightDecay: 0 } as const;
  const engine = open({ ...config, optimizer: optimizerConfig(plain) });
  const source = required(engine.training ?? undefined, 'what is trained on');
  const start = engine.readState();
  const w = required(start.get('parameters'), 'parameters');
  const found = [];
  for (let step = 0; step < perEpoch; step++) {
    engine.writeState(start);
    const { value } = await source.batches(0, step).next();
    const batch = required(value ?? undefined, 'a batch');
    engine.trainStep(step, batch, 1);
    const moved = required(engine.readState().get('parameters'), 'parameters');
    found.push({ size: batch.examples, gradient: w.map((x, i) => x - required(moved[i], 'w')) });
  }
  return found;
}

/** Their mean, over examples. */
function meanOf(batches: Awaited<ReturnType<typeof gradientsOfBatches>>): Float64Array {
  const all = batches.reduce((sum, { size }) => sum + size, 0);
  return batches.reduce(
    (sum, { size, gradient }) => sum.map((x, i) => x + (size * required(gradient[i], 'g')) / all),
    new Float64Array(batches[0]?.gradient.length ?? 0),
  );
}

// 20 images in batches of 8, 8 and 4.
describe.each([
  ['all', 0, [0, 1, 2]],
  ['all', 1, [0, 1, 2]],
  [8, 0, [1]],
  [9, 0, [1, 2]],
  [9, 1, [2, 0]],
  // At least as many, in whole batches, wherever the short one comes.
  [1, 0, [1]],
  [4, 1, [2]],
  [8, 1, [2, 0]],
  [13, 1, [2, 0, 1]],
  [16, 0, [1, 2, 0]],
  [20, 2, [0, 1, 2]],
] as const)('over %s samples before step %i', (samples, step, batches) => {
  test.each([1, 3])(
    'it is the mean over batches as training has them, in %i parts',
    async (microBatches) => {
      const config = configured(
        { name: 'sam-full', fullGradient: { samples } },
        { keys: { microBatches } },
      );
      const engine = open(config);
      expect(await takeFull(engine, step, 3)).toBe(true);
      const single = await gradientsOfBatches(config, 3);
      const wanted = meanOf(batches.map((batch) => required(single[batch], 'a batch')));
      // w - (w - g) rounds as w does.
      expect(distance(fullOf(engine), wanted)).toBeLessThan(1e-4);
    },
  );
});

test('it stays until the next is due', async () => {
  const engine = open(configured({ name: 'sam-full', fullGradient: { every: 2 } }));
  await trainOn(engine, 0, 1, 3);
  const first = fullOf(engine);
  expect(await takeFull(engine, 1, 3)).toBe(false);
  await trainOn(engine, 1, 2, 3);
  expect(fullOf(engine)).toEqual(first);
  await trainOn(engine, 2, 3, 3);
  expect(fullOf(engine)).not.toEqual(first);
});

test('ended early it stops reading, and is taken anew', async () => {
  const config = configured({ name: 'sam-full' });
  const [whole, broken] = [open(config), open(config)];
  const parts = required(
    broken.fullGradient({ epoch: 0, stepInEpoch: 0, step: 0 }) ?? undefined,
    '',
  );
  await parts.next();
  await parts.return?.();
  expect(await parts.next()).toMatchObject({ done: true });
  for (const engine of [whole, broken]) await trainOn(engine, 0, 2, 3);
  expect(bytes(broken.readState())).toEqual(bytes(whole.readState()));
});

describe('where a batch is the whole set', () => {
  const whole = { batchSize: 20 };
  const after = async (keys: OptimizerKeys) => {
    const engine = open(configured(keys, whole));
    await trainOn(engine, 0, 3, 1);
    const { parameters, statistics, momentum } = bytes(engine.readState());
    return { parameters, statistics, momentum };
  };

  test('sam-full is sam, to the bit', async () => {
    expect(await after({ name: 'sam-full', rho: 0.2 })).toEqual(
      await after({ name: 'sam', rho: 0.2 }),
    );
  });

  test('sam-noise takes plain steps, to the bit', async () => {
    expect(await after({ name: 'sam-noise', rho: 0.2 })).toEqual(await after({ name: 'sgd' }));
  });
});

test('samples of more images than there are', () => {
  const config = configured({ name: 'sam-noise', fullGradient: { samples: 21 } });
  expect(() => open(config)).toThrow(UserError);
  expect(() => open(config)).toThrow(
    'optimizer.fullGradient.samples: got 21, wanted all or at most the 20 images of an epoch',
  );
});
