// Probes against the same numbers worked out from the vectors in double precision.
import { afterEach, describe, expect, test } from 'vitest';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import type { HostBatch } from '../../src/data/source.js';
import type { Engine } from '../../src/session/engine.js';
import { required } from '../../src/util/errors.js';
import { bytes, tinyConfig, tinyEngine } from './support/engine.js';
import { optimizerConfig } from './support/optimizers.js';

const PER_EPOCH = 3;
const RATE = 0.05;

const opened: Engine[] = [];
afterEach(() => {
  for (const engine of opened.splice(0)) engine.dispose();
});

function open(optimizer: OptimizerConfig, keys: Readonly<Record<string, unknown>> = {}): Engine {
  const config = tinyConfig({ optimizer, width: 2, keys: { probes: { every: 1 }, ...keys } });
  const engine = tinyEngine(config);
  opened.push(engine);
  return engine;
}

async function batchAt(engine: Engine, step: number): Promise<HostBatch> {
  const source = required(engine.training ?? undefined, 'what is trained on');
  const { value } = await source.batches(Math.floor(step / PER_EPOCH), step % PER_EPOCH).next();
  return required(value ?? undefined, 'a batch');
}

const positionOf = (step: number) => ({
  epoch: Math.floor(step / PER_EPOCH),
  stepInEpoch: step % PER_EPOCH,
  step,
});

async function toEnd(parts: AsyncIterator<undefined, number> | null): Promise<number> {
  for (;;) {
    const { done, value } = await required(parts ?? undefined, 'a full gradient').next();
    if (done === true) return value;
  }
}

/** What the loop does before a step, and the step. */
async function probeAndTrain(engine: Engine, step: number) {
  const full = engine.fullGradient(positionOf(step));
  if (full !== null) await toEnd(full);
  const fullLoss = await toEnd(engine.probe(positionOf(step)));
  const batch = await batchAt(engine, step);
  const numbers = engine.probed(step, batch, RATE);
  return { fullLoss, numbers, trained: engine.trainStep(step, batch, RATE).numbers };
}

/** The batch in two halves. */
const halvesOf = ({ examples, inputs }: HostBatch): HostBatch[] =>
  [0, 1].map((half) => ({
    examples: examples / 2,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, values]) => {
        const size = values.length / 2;
        return [name, values.slice(half * size, (half + 1) * size)];
      }),
    ),
  }));

/** Of a batch at the weights of `state`: its gradient, as plain descent at rate 1 shows it, and loss. */
function gradientAt(plain: Engine, state: ReturnType<Engine['readState']>, batch: HostBatch) {
  const own = plain.readState();
  const start = new Map([...own].map(([name, zero]) => [name, state.get(name) ?? zero]));
  start.set('momentum', new Float32Array(required(own.get('momentum'), 'momentum').length));
  plain.writeState(start);
  const { numbers } = plain.trainStep(0, batch, 1);
  const w = required(state.get('parameters'), 'parameters');
  const moved = required(plain.readState().get('parameters'), 'parameters');
  const gradient = Float64Array.from(w, (x, i) => x - required(moved[i], 'w'));
  return { gradient, loss: required(numbers['train_loss'], 'loss'), size: batch.examples };
}

const dot = (a: Float64Array, b: Float64Array) =>
  a.reduce((sum, x, i) => sum + x * required(b[i], 'b'), 0);
const length = (a: Float64Array) => Math.sqrt(dot(a, a));
const cosine = (a: Float64Array, b: Float64Array) => dot(a, b) / length(a) / length(b);
const less = (a: Float64Array, b: Float64Array, factor = 1) =>
  a.map((x, i) => x - factor * required(b[i], 'b'));

// A half of a batch has the same examples as training has them only where none is changed.
const augmentation = { flip: false, cropPadding: 0, cutout: 0 };

describe.each([
  [1, 'own'],
  [2, 'own'],
  [2, 'shared'],
] as const)('in %i parts, perturbation %s', (microBatches, perturbation) => {
  test('fsam, in the second step', async () => {
    const sigma = 0.7;
    const fsam = optimizerConfig({ name: 'fsam', rho: 0.1, sigma, perturbation });
    const engine = open(fsam, { microBatches, augmentation });
    const sgd = optimizerConfig({ name: 'sgd', momentum: 0, weightDecay: 0 });
    const plain = open(sgd, { microBatches, augmentation });
    const wholly = open(sgd, { augmentation });
    await probeAndTrain(engine, 0);
    const state = engine.readState();
    const batches = [];
    for (let step = 0; step < PER_EPOCH; step++) {
      batches.push(gradientAt(plain, state, await batchAt(plain, step)));
    }
    const { fullLoss, numbers } = await probeAndTrain(engine, 1);

    const all = batches.reduce((sum, { size }) => sum + size, 0);
    const f = batches.reduce(
      (sum, { gradient, size }) => sum.map((x, i) => x + (required(gradient[i], 'g') * size) / all),
      new Float64Array(batches[0]!.gradient.length),
    );
    const g = batches[1]!.gradient;
    const m = Float64Array.from(required(state.get('ema'), 'ema'));
    // Parts that climb by themselves each take the average out of their own gradient.
    const climbing =
      microBatches === 2 && perturbation === 'own'
        ? halvesOf(await batchAt(wholly, 1)).map((half) => gradientAt(wholly, state, half).gradient)
        : [g];
    const ofClimb = (number: (d: Float64Array, g: Float64Array) => number) =>
      climbing.reduce((sum, own) => sum + number(less(own, m, sigma), own) / climbing.length, 0);
    const noise = length(less(g, f)) ** 2;
    const wanted = {
      gradient_norm: length(g),
      full_gradient_norm: length(f),
      average_norm: length(m),
      direction_norm: ofClimb(length),
      noise_share: noise / (noise + dot(f, f)),
      cosine_gradient_full: cosine(g, f),
      cosine_average_full: cosine(m, f),
      cosine_average_gradient: cosine(m, g),
      average_error: length(less(m, f)) / length(f),
      cosine_direction_gradient: ofClimb(cosine),
      cosine_direction_full: ofClimb((d) => cosine(d, f)),
      cosine_direction_average: ofClimb((d) => cosine(d, m)),
    };
    expect(Object.keys(numbers)).toEqual(Object.keys(wanted));
    // w - (w - g) rounds as w does.
    for (const [name, value] of Object.entries(wanted)) expect(numbers[name]).toBeCloseTo(value, 4);
    const meanLoss = batches.reduce((sum, { loss, size }) => sum + (loss * size) / all, 0);
    expect(fullLoss).toBeCloseTo(meanLoss, 5);
  });
});

test.each([
  ['sgd', ['gradient_norm', 'full_gradient_norm', 'noise_share', 'cosine_gradient_full']],
  ['sam', ['direction_norm', 'cosine_direction_gradient', 'cosine_direction_full']],
  ['vasso', ['average_norm', 'direction_norm', 'average_error', 'cosine_direction_average']],
] as const)('%s has what its steps have', async (name, columns) => {
  const { numbers } = await probeAndTrain(open(optimizerConfig({ name })), 0);
  expect(Object.keys(numbers)).toEqual(expect.arrayContaining([...columns]));
  expect('direction_norm' in numbers).toBe(name !== 'sgd');
  expect('average_norm' in numbers).toBe(name === 'vasso');
});

test('the direction of sam-noise is orthogonal to the full gradient, that of sam-full is it', async () => {
  const [noise, full] = [
    open(optimizerConfig({ name: 'sam-noise' })),
    open(optimizerConfig({ name: 'sam-full' })),
  ];
  for (let step = 0; step < 4; step++) {
    const { numbers } = await probeAndTrain(noise, step);
    expect(Math.abs(required(numbers['cosine_direction_full'], 'cosine'))).toBeLessThan(1e-5);
    expect(required(numbers['direction_norm'], 'length')).toBeGreaterThan(0.1);
    const same = (await probeAndTrain(full, step)).numbers;
    expect(same['cosine_direction_full']).toBeCloseTo(1, 6);
    expect(same['direction_norm']).toBe(same['full_gradient_norm']);
  }
});

test('where the halves of the whole set climb by themselves, each climb is looked at', async () => {
  const keys = { microBatches: 2, batchSize: 20 };
  const engine = open(optimizerConfig({ name: 'sam-noise' }), keys);
  const { numbers } = await probeAndTrain(engine, 0);
  const [direction, gradient] = [numbers['direction_norm'], numbers['gradient_norm']];
  // The mean of the two is nothing.
  expect(required(direction, 'length') / required(gradient, 'length')).toBeGreaterThan(0.1);
  expect(numbers['cosine_direction_gradient']).toBeGreaterThan(0.1);
  expect(Math.abs(required(numbers['cosine_direction_full'], 'cosine'))).toBeLessThan(1e-5);
});

test('the full gradient is normalised as the one that is climbed along', async () => {
  const fullGradient = { batchNorm: 'running' } as const;
  const engine = open(optimizerConfig({ name: 'sam-full', fullGradient }));
  for (let step = 0; step < 2; step++) {
    const { numbers } = await probeAndTrain(engine, step);
    expect(numbers['cosine_direction_full']).toBeCloseTo(1, 6);
    expect(numbers['direction_norm']).toBe(numbers['full_gradient_norm']);
  }
});

test.each(['fsam', 'sgd', 'looksam', 'msam', 'sam-full'] as const)(
  'a step of %s is the same with probes and without',
  async (name) => {
    const fullGradient = { batchNorm: 'running' } as const;
    const optimizer = optimizerConfig({ name, every: 2, fullGradient });
    const [probed, plain] = [open(optimizer), open(optimizer, { probes: { every: null } })];
    for (let step = 0; step < 3; step++) {
      const { trained } = await probeAndTrain(probed, step);
      expect(plain.probe(positionOf(step))).toBeNull();
      const full = plain.fullGradient(positionOf(step));
      if (full !== null) await toEnd(full);
      expect(plain.trainStep(step, await batchAt(plain, step), RATE).numbers).toEqual(trained);
    }
    expect(bytes(probed.readState())).toEqual(bytes(plain.readState()));
  },
);

test('the state that is saved has nothing of the probes', () => {
  expect(open(optimizerConfig({ name: 'sgd' })).slots.map(({ name }) => name)).toEqual([
    'parameters',
    'statistics',
    'momentum',
  ]);
});
