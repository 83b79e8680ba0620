// Training holds no more memory after thousands of steps than after hundreds.
import './support/without-onednn.js';
import { expect, test } from 'vitest';
import { tf } from '../../src/native/tensorflow.js';
import { tinyConfig, tinyEngine, train } from './support/engine.js';

test('3,000 compiled steps take less than 20 MB', () => {
  const config = tinyConfig();
  const engine = tinyEngine(config);
  train(engine, config, 0, 500);
  const before = process.memoryUsage().rss;
  for (let step = 500; step < 3500; step += 100) train(engine, config, step, step + 100);
  expect(process.memoryUsage().rss - before).toBeLessThan(20e6);
  engine.dispose();
});

test('nor do evaluations and reads of the state leave any behind', async () => {
  const config = tinyConfig({ width: 16 });
  const engine = tinyEngine(config);
  const once = async () => {
    await engine.evaluate('test');
    engine.writeState(engine.readState());
  };
  for (let i = 0; i < 20; i++) await once();
  const before = process.memoryUsage().rss;
  // Each state is 8 MB.
  for (let i = 0; i < 40; i++) await once();
  expect(process.memoryUsage().rss - before).toBeLessThan(40e6);
  engine.dispose();
});

test('eager steps leave no tensor behind', async () => {
  const config = tinyConfig();
  const engine = tinyEngine(config, 'eager');
  train(engine, config, 0, 2);
  await engine.evaluate('test');
  const before = tf.memory().numTensors;
  train(engine, config, 2, 5);
  await engine.evaluate('test');
  expect(tf.memory().numTensors).toBe(before);
  engine.dispose();
});
