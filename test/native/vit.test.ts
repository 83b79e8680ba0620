// The vision transformer against plain PyTorch (test/golden/make-vit.py), and what it refuses.
import { batchAt } from '../../src/data/image-source.js';
import { describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import { buildModel } from '../../src/models/models.js';
import { expectNear, l2 } from './support/compare.js';
import { batchOf, bytes, tinyConfig, tinyEngine, train } from './support/engine.js';
import { goldenImages, goldenParameters, goldenVit, ourShape, piece } from './support/golden.js';
import { optimizerConfig } from './support/optimizers.js';
import { passesOf } from './support/passes.js';

const golden = goldenVit();
const [batch, channels, height, width] = golden.input;
const shape = { height, width, channels, classes: golden.classes };
const network = buildModel(modelSchema.parse({ name: 'vit', ...golden.options }), shape);
const { parameters } = network;
const passes = passesOf(network, golden.input);

test('has the parameters of the PyTorch network, in its order, and no statistics', () => {
  expect(parameters.size).toBe(golden.parameters);
  expect(parameters.tensors.map((tensor) => [tensor.name, tensor.shape])).toEqual(
    golden.tensors.map(([name, wanted]) => [name, ourShape(wanted)]),
  );
  expect(network.statistics.size).toBe(0);
});

test.each(['eager', 'traced'] as const)('computes what PyTorch does, %s', (how) => {
  const program = how === 'eager' ? runEagerly(passes) : loadGraph(traceProgram(passes));
  program.write('parameters', goldenParameters(golden));
  program.write('statistics', new Float32Array(0));
  program.write('momentum', new Float32Array(parameters.size));
  const images = goldenImages(9999, golden.input);
  const labels = Int32Array.from({ length: batch }, (_, i) => i % golden.classes);
  const { logits } = program.run('evaluation', { images });
  expectNear('logits', logits as Float32Array, golden.logits.flat(), 1e-5);
  const step = program.run('step', { images, labels, learningRate: Float32Array.of(0.1) });
  expectNear('loss', step['loss'] as Float32Array, [golden.loss], 1e-5);
  for (const [name, norm] of Object.entries(golden.grad_norms)) {
    const gradient = piece(parameters, step['gradient'] as Float32Array, name);
    expectNear(`gradient of ${name}`, l2(gradient), norm, 1e-4);
  }
  program.dispose();
});

describe('in training', () => {
  const optimizer = optimizerConfig({ name: 'fsam', base: 'adamw' });
  const model = { name: 'vit', width: 8, heads: 2, layers: 3, dropPath: 0.5, dropout: 0.1 };
  const config = tinyConfig({ optimizer, keys: { model } });

  test('drop-path and dropout: the same seed gives the same bytes, resumed equals straight', () => {
    const [straight, resumed] = [tinyEngine(config), tinyEngine(config)];
    train(straight, config, 0, 2);
    resumed.writeState(straight.readState());
    expect(train(resumed, config, 2, 4)).toEqual(train(straight, config, 2, 4));
    expect(bytes(resumed.readState())).toEqual(bytes(straight.readState()));
    const again = tinyEngine(config);
    train(again, config, 0, 4);
    expect(bytes(again.readState())).toEqual(bytes(straight.readState()));
    for (const engine of [straight, resumed, again]) engine.dispose();
  });

  test('traced is eager', () => {
    const [traced, eager] = [tinyEngine(config, 'compiled'), tinyEngine(config, 'eager')];
    const [a, b] = [traced, eager].map((engine) =>
      engine.trainStep(0, batchAt(batchOf(config, 0)), 1e-3),
    );
    for (const column of ['train_loss', 'gradient_norm']) {
      expectNear(column, a?.numbers[column] ?? NaN, b?.numbers[column] ?? NaN, 1e-5);
    }
    traced.dispose();
    eager.dispose();
  });
});

test.each([
  [{ patch: 5 }, /^model.patch: got 5 for images of 32x32, wanted a divisor/],
  [{ heads: 5 }, /^model.heads: got 5 for tokens of 192 numbers, wanted a divisor/],
])('%o is refused', (options, message) => {
  const config = modelSchema.parse({ name: 'vit', ...options });
  expect(() => buildModel(config, { ...shape, height: 32, width: 32 })).toThrow(message);
});
