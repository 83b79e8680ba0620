// Networks as they are declared: initial values, layouts, running statistics.
import { describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { tf, type Tensor, type Tensor1D } from '../../src/native/tensorflow.js';
import { sizeOf } from '../../src/native/types.js';
import { Layout } from '../../src/nn/layout.js';
import { batchNorm, globalAveragePool, sequence } from '../../src/nn/layers.js';
import { NetworkBuilder, type Mode } from '../../src/nn/network.js';
import { piece } from './support/golden.js';

const network = buildModel(modelSchema.parse({ name: 'resnet18', width: 8 }), {
  height: 32,
  width: 32,
  channels: 1,
  classes: 10,
});

describe('initial values', () => {
  const { parameters, statistics } = network.initialise(1);

  test.each(network.parameters.tensors.map((tensor) => [tensor.name, tensor.shape] as const))(
    '%s',
    (name, shape) => {
      const values = Array.from(piece(network.parameters, parameters, name));
      if (shape.length === 1 && name !== 'fc.bias') {
        expect(new Set(values)).toEqual(new Set([name.endsWith('weight') ? 1 : 0]));
        return;
      }
      // Uniform within +-1/sqrt(fan in): PyTorch's default for convolutions and linear layers, and for the bias of the latter.
      const fanIn = name === 'fc.bias' ? 64 : sizeOf(shape.slice(0, -1));
      const bound = 1 / Math.sqrt(fanIn);
      const largest = Math.max(...values.map(Math.abs));
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(bound * (1 - 20 / values.length));
      const variance = values.reduce((sum, x) => sum + x * x, 0) / values.length;
      expect(Math.abs(variance / (bound ** 2 / 3) - 1)).toBeLessThan(5 / Math.sqrt(values.length));
    },
  );

  test('running means 0, running variances 1', () => {
    for (const { name } of network.statistics.tensors) {
      const values = piece(network.statistics, statistics, name);
      expect(new Set(values)).toEqual(new Set([name.endsWith('running_mean') ? 0 : 1]));
    }
  });

  test('depend on the seed and on nothing else', () => {
    const equal = (seed: number) =>
      Buffer.from(network.initialise(seed).parameters.buffer).equals(
        Buffer.from(parameters.buffer),
      );
    expect(equal(1)).toBe(true);
    expect(equal(2)).toBe(false);
  });
});

test('a layout cuts a vector into its pieces in order', () => {
  const layout = new Layout();
  layout.add('a', [2, 2]);
  layout.add('b', []);
  layout.add('c', [3]);
  expect(layout.size).toBe(8);
  const pieces = tf.tidy(() => layout.cut(tf.range(0, 8)).map((one) => one.arraySync()));
  expect(pieces).toEqual([[[0, 1], [2, 3]], 4, [5, 6, 7]]); // prettier-ignore
});

describe('batch normalisation', () => {
  const builder = new NetworkBuilder();
  const only = builder.build(
    'only',
    (
      (norm) => (x, pass) =>
        globalAveragePool(norm(x, pass), pass)
    )(sequence(batchNorm(builder, 'norm', 1))),
  );
  /** Four values of one channel, mean 3, biased variance 5, unbiased 20/3. */
  const forward = (mode: Mode) =>
    tf.tidy(() => {
      const x = tf.tensor4d([0, 2, 4, 6], [4, 1, 1, 1]);
      const pass = only.forward(tf.tensor1d([2, 1]), tf.tensor1d([1, 4]), x, mode);
      return {
        output: Array.from(pass.output.dataSync()),
        statistics: Array.from(pass.statistics.dataSync()),
      };
    });

  test('training: by the batch, biased variance and eps 1e-5; statistics move a tenth, unbiased', () => {
    const { output, statistics } = forward('training');
    [0, 2, 4, 6].forEach((x, i) => {
      expect(output[i]).toBeCloseTo((2 * (x - 3)) / Math.sqrt(5 + 1e-5) + 1, 5);
    });
    expect(statistics[0]).toBeCloseTo(0.9 * 1 + 0.1 * 3, 6);
    expect(statistics[1]).toBeCloseTo(0.9 * 4 + (0.1 * 20) / 3, 6);
  });

  test('evaluation: by the running statistics, which stay', () => {
    const { output, statistics } = forward('evaluation');
    [0, 2, 4, 6].forEach((x, i) => {
      expect(output[i]).toBeCloseTo((2 * (x - 1)) / Math.sqrt(4 + 1e-5) + 1, 5);
    });
    expect(statistics).toEqual([1, 4]);
  });
});

test.each([1, 2])('a layout of %i tensors has a gradient', (count) => {
  const layout = new Layout();
  for (let i = 0; i < count; i++) layout.add(`w${i}`, [2, 2]);
  const vector = tf.tensor1d(Array.from({ length: layout.size }, (_, i) => i));
  const squares = (w: Tensor) =>
    tf.addN(layout.cut(w as Tensor1D).map((one) => tf.sum(tf.square(one))));
  // The derivative of x^2.
  expect([...tf.grad(squares)(vector).dataSync()]).toEqual(
    [...vector.dataSync()].map((x) => 2 * x),
  );
});
