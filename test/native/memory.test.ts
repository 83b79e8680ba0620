// Training holds no more memory after thousands of steps than after hundreds.
import './support/without-onednn.js';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { tf } from '../../src/native/tensorflow.js';
import type { Engine } from '../../src/session/engine.js';
import { tinyConfig, tinyEngine, train } from './support/engine.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of this process that are not JavaScript's: what TensorFlow and our addons hold. */
function nativeBytes(): number {
  collectGarbage();
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

const bytesOf = (engine: Engine): number =>
  engine.slots.reduce((bytes, { size }) => bytes + size * Float32Array.BYTES_PER_ELEMENT, 0);

test('of 3,000 compiled steps none leaves a hundredth of the state behind', () => {
  const config = tinyConfig();
  const engine = tinyEngine(config);
  train(engine, config, 0, 500);
  const before = nativeBytes();
  for (let step = 500; step < 3500; step += 100) train(engine, config, step, step + 100);
  expect((nativeBytes() - before) / (3000 * bytesOf(engine))).toBeLessThan(1 / 100);
  engine.dispose();
});

test('nor does any of 40 evaluations and reads of the state a tenth of it', async () => {
  const config = tinyConfig({ width: 16 });
  const engine = tinyEngine(config);
  const once = async () => {
    await engine.evaluate('test');
    engine.writeState(engine.readState());
  };
  for (let i = 0; i < 20; i++) await once();
  const before = nativeBytes();
  for (let i = 0; i < 40; i++) await once();
  expect((nativeBytes() - before) / (40 * bytesOf(engine))).toBeLessThan(1 / 10);
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
