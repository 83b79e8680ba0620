// Every experiment file traced at its full size; nothing is computed, and the data is not needed.
import { expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import type { ImageShape } from '../../src/data/dataset.js';
import { datasetShape } from '../../src/data/load.js';
import { hasLabelNoise } from '../../src/data/label-noise.js';
import { describeStep } from '../../src/tasks/engine.js';
import { configFrom, yamlIn } from '../support/configs.js';

const files = yamlIn(CONFIGS_FOLDER);

/** Convolutions of a network, shortcuts included, worked out from its layers. */
const CONVOLUTIONS: Readonly<Record<string, number>> = {
  resnet18: 20, // 17 and 3 on shortcuts
  'imagenet-resnet18': 20,
  'imagenet-resnet50': 1 + 16 * 3 + 4, // the stem, 16 blocks, 4 shortcuts
  'wrn-28-10': 1 + 3 * (2 * 5 + 1), // the stem; 5 blocks of 2 and a shortcut in each stage
  'vgg16-bn': 13,
  'pyramidnet-110-270': 1 + 36 * 3,
  vit: 1, // the patch embedding
  'deit-s': 1,
  gpt: 0,
};

/** Of the whole set, which is not here. */
const IMAGENET: ImageShape = {
  ...{ classes: 1000, height: 224, width: 224, channels: 3, mean: [0, 0, 0], std: [1, 1, 1] },
  ...{ trainCount: 1281167, testCount: 50000, validationCount: 0 },
  ...{ labelNoise: false, streamed: true },
};

test.each(files)('%s', async (file) => {
  const config = configFrom(file, 'model.convolution=direct');
  const images =
    config.data.name === 'imagenet' ? IMAGENET : await datasetShape(config.data, config.seed);
  const shape = { ...images, labelNoise: hasLabelNoise(config.labelNoise) };
  const listing = describeStep(config, shape);
  const count = Number(/^ +(\d+) Conv2D$/m.exec(listing)?.[1] ?? 0);
  // Two passes of every optimizer that the files name.
  expect(count).toBe(2 * (CONVOLUTIONS[config.model.name] ?? NaN));
});
