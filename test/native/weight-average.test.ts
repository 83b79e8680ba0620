// The EMA of weights: by hand from the weights of every step, what evaluation uses, and its place in
// a checkpoint.
import { batchAt } from '../../src/data/image-source.js';
import './support/without-onednn.js';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from '../../src/experiment/checkpoint.js';
import { BEGINNING } from '../../src/experiment/progress.js';
import { required } from '../../src/util/errors.js';
import { readHeader } from '../../src/util/safetensors.js';
import { temporaryFolder } from '../support/folders.js';
import { expectNear } from './support/compare.js';
import { batchOf, bytes, tinyConfig, tinyEngine, train } from './support/engine.js';

const DECAY = 0.7;
const config = tinyConfig({ keys: { weightAverage: DECAY } });

test.each(['compiled', 'eager'] as const)('is the average of the weights, %s', (mode) => {
  const engine = tinyEngine(config, mode);
  const vector = (name: string) => required(engine.readState().get(name), name).slice();
  for (const [average, of] of [
    ['averagedParameters', 'parameters'],
    ['averagedStatistics', 'statistics'],
  ] as const) {
    expect(vector(average)).toEqual(vector(of));
    let wanted = vector(of);
    for (let step = 0; step < 3; step++) {
      engine.trainStep(step, batchAt(batchOf(config, step)), 0.05);
      const now = vector(of);
      wanted = wanted.map((old, i) => DECAY * old + (1 - DECAY) * (now[i] ?? NaN));
    }
    expectNear(average, vector(average), wanted, 1e-6);
    engine.writeState(new Map(tinyState));
  }
  engine.dispose();
});

const tinyState = (() => {
  const engine = tinyEngine(config);
  const state = engine.readState();
  engine.dispose();
  return state;
})();

test('evaluation takes the averages', async () => {
  const engine = tinyEngine(config);
  train(engine, config, 0, 4);
  const state = engine.readState();
  const averaged = await engine.evaluate('test');
  const plain = tinyEngine(tinyConfig());
  const names = ['parameters', 'statistics', 'momentum', 'ema'];
  const entry = (name: string) => required(state.get(name), name);
  plain.writeState(new Map(names.map((name) => [name, entry(name)])));
  const last = await plain.evaluate('test');
  const swapped = new Map(names.map((name) => [name, entry(name)]));
  swapped.set('parameters', entry('averagedParameters'));
  swapped.set('statistics', entry('averagedStatistics'));
  plain.writeState(swapped);
  expect(averaged).toEqual(await plain.evaluate('test'));
  expect(averaged.numbers).not.toEqual(last.numbers);
  engine.dispose();
  plain.dispose();
});

test('a checkpoint has the averages, tensor by tensor', async () => {
  const folder = temporaryFolder();
  const [straight, restored] = [tinyEngine(config), tinyEngine(config)];
  try {
    train(straight, config, 0, 3);
    const file = join(folder, 'checkpoint.safetensors');
    const record = { configHash: 'none', seed: 1, trainImages: 20, progress: BEGINNING };
    await saveCheckpoint(file, straight, record);
    expect(await loadCheckpoint(file, restored)).toEqual(record);
    expect(bytes(restored.readState())).toEqual(bytes(straight.readState()));
    expect(train(restored, config, 3, 6)).toEqual(train(straight, config, 3, 6));
    const { tensors } = await readHeader(file);
    const averaged = tensors.filter(({ name }) => name.startsWith('average.'));
    expect(averaged.map(({ name, shape }) => [name.replace('average.', ''), shape])).toEqual(
      tensors.slice(0, averaged.length).map(({ name, shape }) => [name, shape]),
    );
  } finally {
    straight.dispose();
    restored.dispose();
  }
});

test('training itself is untouched by it', () => {
  const [withAverage, without] = [tinyEngine(config), tinyEngine(tinyConfig())];
  expect(train(withAverage, config, 0, 3)).toEqual(train(without, config, 0, 3));
  const state = bytes(withAverage.readState());
  expect(state).toMatchObject(bytes(without.readState()));
  withAverage.dispose();
  without.dispose();
});
