// The EMA of weights: by hand from the weights of every step, and what evaluation uses.
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { required } from '../../src/util/errors.js';
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
      engine.trainStep(step, batchOf(config, step), 0.05);
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

test('evaluation takes the averages', () => {
  const engine = tinyEngine(config);
  train(engine, config, 0, 4);
  const state = engine.readState();
  const averaged = engine.evaluate('test');
  const plain = tinyEngine(tinyConfig());
  const names = ['parameters', 'statistics', 'momentum', 'ema'];
  const entry = (name: string) => required(state.get(name), name);
  plain.writeState(new Map(names.map((name) => [name, entry(name)])));
  const last = plain.evaluate('test');
  const swapped = new Map(names.map((name) => [name, entry(name)]));
  swapped.set('parameters', entry('averagedParameters'));
  swapped.set('statistics', entry('averagedStatistics'));
  plain.writeState(swapped);
  expect(averaged).toEqual(plain.evaluate('test'));
  expect(averaged.loss).not.toBe(last.loss);
  engine.dispose();
  plain.dispose();
});

test('training itself is untouched by it', () => {
  const [withAverage, without] = [tinyEngine(config), tinyEngine(tinyConfig())];
  expect(train(withAverage, config, 0, 3)).toEqual(train(without, config, 0, 3));
  const state = bytes(withAverage.readState());
  expect(state).toMatchObject(bytes(without.readState()));
  withAverage.dispose();
  without.dispose();
});
