// Cross-entropy against smoothed targets, by hand.
import { batchAt } from '../../src/data/image-source.js';
import { expect, test } from 'vitest';
import { crossEntropy } from '../../src/native/kernels.js';
import { tf, type Scalar, type Tensor, type Tensor2D } from '../../src/native/tensorflow.js';
import { expectNear } from './support/compare.js';
import { batchOf, tinyConfig, tinyEngine } from './support/engine.js';

test('loss and gradient of one row, worked out by hand', () => {
  // softmax(log 1, log 2, log 5) = 1/8, 2/8, 5/8.
  const logits = tf.tensor2d([[Math.log(1), Math.log(2), Math.log(5)]]);
  const targets = tf.tensor2d([[0.1, 0.8, 0.1]]);
  const loss = (x: Tensor): Scalar => tf.mean(crossEntropy(x as Tensor2D, targets));
  const { value, grad } = tf.valueAndGrad(loss)(logits);
  const wanted = -(0.1 * Math.log(1 / 8) + 0.8 * Math.log(2 / 8) + 0.1 * Math.log(5 / 8));
  expectNear('loss', value.dataSync(), [wanted], 1e-6);
  expectNear('gradient', grad.dataSync(), [1 / 8 - 0.1, 2 / 8 - 0.8, 5 / 8 - 0.1], 1e-6);
});

test.each(['compiled', 'eager'] as const)(
  'the first loss lies where a mixture of two losses has it, %s',
  (mode) => {
    // The loss is linear in the smoothing a: loss(a) = (1 - a) loss(0) + a loss(1).
    const at = (labelSmoothing: number) => {
      const config = tinyConfig({ keys: { labelSmoothing } });
      const engine = tinyEngine(config, mode);
      const { numbers } = engine.trainStep(0, batchAt(batchOf(config, 0)), 0.05);
      engine.dispose();
      return numbers['train_loss'] ?? NaN;
    };
    const [none, half, most] = [at(0), at(0.45), at(0.9)] as const;
    expectNear('the middle', half, (none + most) / 2, 1e-5);
    expect(Math.abs(most - none)).toBeGreaterThan(1e-3);
  },
);

test('test losses are without smoothing', async () => {
  const lossAt = async (labelSmoothing: number) => {
    const engine = tinyEngine(tinyConfig({ keys: { labelSmoothing } }));
    const { numbers } = await engine.evaluate('test');
    engine.dispose();
    return numbers['test_loss'];
  };
  expect(await lossAt(0)).toBeGreaterThan(0);
  expect(await lossAt(0.5)).toBe(await lossAt(0));
});
