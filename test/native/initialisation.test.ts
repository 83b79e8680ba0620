// Initial weights by their distribution, over many draws.
import { describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { sizeOf } from '../../src/native/types.js';
import { piece } from './support/golden.js';

const shape = { height: 32, width: 32, channels: 3, classes: 10 };

function initial(name: string, options: object = {}) {
  const network = buildModel(modelSchema.parse({ name, ...options }), shape);
  const { parameters } = network.initialise(1);
  return network.parameters.tensors.map((tensor) => ({
    name: tensor.name,
    shape: tensor.shape,
    values: piece(network.parameters, parameters, tensor.name),
  }));
}

function moments(values: Float32Array) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return {
    mean,
    deviation: Math.sqrt(variance),
    largest: values.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
  };
}

/** Mean 0 and this standard deviation, within five of the standard errors of that many draws. */
function expectSpread(values: Float32Array, deviation: number, kurtosis: number): void {
  const count = values.length;
  const got = moments(values);
  expect(Math.abs(got.mean)).toBeLessThan((5 * deviation) / Math.sqrt(count));
  const error = deviation * Math.sqrt((kurtosis - 1) / (4 * count));
  expect(Math.abs(got.deviation - deviation)).toBeLessThan(5 * error);
}

const NORMAL = 3;
const UNIFORM = 9 / 5;

describe('kernels', () => {
  const fanIn = (kernel: readonly number[]) => sizeOf(kernel.slice(0, 3));
  const fanOut = ([k = 0, l = 0, , outputs = 0]: readonly number[]) => k * l * outputs;

  test.each([
    ['wrn-10-1', fanIn],
    ['vgg11-bn', fanOut],
    ['pyramidnet-11-6', fanOut],
    ['imagenet-resnet18', fanOut],
  ])('of %s are normal with variance 2 / fan', (name, fan) => {
    const kernels = initial(name, { width: 8 }).filter((tensor) => tensor.shape.length === 4);
    expect(kernels.length).toBeGreaterThan(5);
    for (const { shape: kernel, values } of kernels) {
      const deviation = Math.sqrt(2 / fan(kernel));
      expectSpread(values, deviation, NORMAL);
      // Not uniform: some lie beyond sqrt(3) standard deviations.
      if (values.length > 200) expect(moments(values).largest).toBeGreaterThan(2 * deviation);
    }
  });

  test("of resnet18 are uniform within +-1/sqrt(fan in), PyTorch's default", () => {
    for (const { shape: kernel, values } of initial('resnet18', { width: 8 })) {
      if (kernel.length !== 4) continue;
      const bound = 1 / Math.sqrt(fanIn(kernel));
      expectSpread(values, bound / Math.sqrt(3), UNIFORM);
      expect(moments(values).largest).toBeLessThanOrEqual(bound);
      if (values.length > 500) expect(moments(values).largest).toBeGreaterThan(0.98 * bound);
    }
  });
});

describe('the rest', () => {
  const find = (name: string, options: object, ending: string) => {
    const found = initial(name, options).filter((tensor) => tensor.name.endsWith(ending));
    expect(found.length).toBeGreaterThan(0);
    return found;
  };

  test('the classifier of a WideResNet is zero, of a ResNet it is not', () => {
    for (const { values } of find('wrn-10-1', {}, '8_classification.weight')) {
      expect(new Set(values)).toEqual(new Set([0]));
    }
    for (const { values, shape: size } of find('resnet18', {}, 'fc.weight')) {
      expectSpread(values, 1 / Math.sqrt(3 * (size[0] ?? 0)), UNIFORM);
    }
  });

  test("VGG's convolutions have zero biases, its classifier PyTorch's", () => {
    for (const { values } of find('vgg16', { width: 8 }, 'features.0.bias')) {
      expect(new Set(values)).toEqual(new Set([0]));
    }
    const [bias] = find('vgg16', {}, 'classifier.1.bias');
    expectSpread(bias?.values ?? new Float32Array(0), 1 / Math.sqrt(3 * 512), UNIFORM);
  });

  test('norms begin as the identity', () => {
    for (const { values } of find('pyramidnet-11-6', {}, 'bn_final.weight')) {
      expect(new Set(values)).toEqual(new Set([1]));
    }
    for (const { values } of find('pyramidnet-11-6', {}, 'bn_final.bias')) {
      expect(new Set(values)).toEqual(new Set([0]));
    }
  });

  test("a transformer's linear weights, class token and positions have deviation 0.02", () => {
    for (const ending of [
      'qkv.weight',
      'mlp.fc1.weight',
      'head.weight',
      'pos_embed',
      'cls_token',
    ]) {
      for (const { values } of find('vit', {}, ending)) expectSpread(values, 0.02, NORMAL);
    }
    for (const { values } of find('vit', {}, 'qkv.bias')) {
      expect(new Set(values)).toEqual(new Set([0]));
    }
  });
});
