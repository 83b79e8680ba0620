// What is told of networks and of TensorFlow before it is loaded, against what it does.
import { expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { averageConvolution, modelReads } from '../../src/catalogue/network.js';
import { openDevice } from '../../src/native/device.js';
import { chooseOneDnn, oneDnnTold, processorFlags } from '../../src/native/onednn.js';
import { networkCost } from '../../src/session/cost.js';

/** Convolutions and matrix products, worked out from their layers; the classifier is one. */
const PRODUCTS: readonly (readonly [name: string, size: number, products: number])[] = [
  ['resnet18', 32, 17 + 3 + 1],
  ['resnet34', 32, 33 + 3 + 1],
  ['resnet50', 32, 49 + 4 + 1],
  ['imagenet-resnet18', 224, 17 + 3 + 1],
  ['imagenet-resnet50', 224, 49 + 4 + 1],
  ['wrn-16-8', 32, 1 + 3 * (2 * 3 + 1) + 1],
  ['wrn-28-10', 32, 1 + 3 * (2 * 5 + 1) + 1],
  ['vgg11-bn', 32, 8 + 3],
  ['vgg16-bn', 32, 13 + 3],
  ['pyramidnet-110-48', 32, 1 + 36 * 3 + 1],
  ['pyramidnet-110-270', 32, 1 + 36 * 3 + 1],
  // The patches; six products and the two of attention in each of six layers.
  ['vit', 32, 1 + 6 * (6 + 2) + 1],
  ['deit-ti', 224, 1 + 12 * (6 + 2) + 1],
  ['deit-s', 224, 1 + 12 * (6 + 2) + 1],
  ['vit-s/32', 224, 1 + 12 * (6 + 2) + 1],
  ['gpt', 64, 12 * (6 + 2) + 1],
];

test.each(PRODUCTS)(
  'the average convolution of %s, within a factor of two',
  (name, size, products) => {
    const model = modelSchema.parse({ name });
    const isOfTokens = modelReads(model) === 'tokens';
    const input = isOfTokens
      ? { context: size, classes: 10 }
      : { height: size, width: size, channels: 3, classes: 10 };
    const { multiplyAdds } = networkCost(model, input);
    const places = isOfTokens ? size : size ** 2;
    const ratio = averageConvolution(model, places) / (multiplyAdds / products);
    expect(ratio).toBeGreaterThan(1 / 2);
    expect(ratio).toBeLessThan(2);
  },
);

test('TensorFlow has oneDNN as told, or as its flags say', () => {
  const told = oneDnnTold();
  const { onednn } = openDevice('cpu');
  // On x86, where it is left alone: on with the flags that make the choice TensorFlow's.
  const isX86 = process.arch === 'x64';
  const byFlags =
    isX86 && processorFlags().has('avx2') && chooseOneDnn(1, processorFlags()) === null;
  if (told !== null || isX86) expect(onednn.on).toBe(told ?? byFlags);
});
