// The experiment files that come with the project, and the JSON Schema that editors check them with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONFIGS_FOLDER } from '../../src/config/files.js';
import { configJsonSchema, keyPaths, schemaAt } from '../../src/config/jsonSchema.js';
import { configFrom, yamlIn } from '../support/configs.js';

const read = (file: string): string => readFileSync(join(CONFIGS_FOLDER, file), 'utf8');

test('configs/schema.json is up to date (else run scripts/write-schema.mjs)', () => {
  expect(JSON.parse(read('schema.json'))).toEqual(configJsonSchema());
});

test('every key has a text for the editor to show', () => {
  const schema = configJsonSchema();
  const silent = keyPaths(schema).filter(
    (key) => schemaAt(schema, key.split('.'))?.description === undefined,
  );
  expect(silent).toEqual([]);
});

describe.each(yamlIn(CONFIGS_FOLDER))('%s', (file) => {
  test('names the schema, opens with its command, and is right', () => {
    const text = read(file);
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=./schema.json');
    expect(text).toContain(`bin/fsam train --config configs/${file}`);
    expect(configFrom(file).name).toBe(file.replace('.yaml', ''));
  });
});

test.each(['cifar10', 'cifar100'] as const)("%s: the values of the authors' code", (data) => {
  expect(configFrom(`${data}-resnet18`)).toMatchObject({
    seed: 1,
    epochs: 200,
    batchSize: 128,
    data: { name: data, subset: { train: null, test: null } },
    augmentation: { flip: true, cropPadding: 4, cutout: 16, cutoutProbability: 0.5 },
    model: { name: 'resnet18', width: null, precision: 'float32' },
    optimizer: {
      name: 'fsam',
      base: 'sgd',
      rho: 0.2,
      sigma: 1,
      lambda: 0.6,
      emaOrder: 'code',
      momentum: 0.9,
      nesterov: false,
      weightDecay: 0.001,
      clipNorm: null,
    },
    schedule: { name: 'cosine', learningRate: 0.05, warmupEpochs: 0 },
  });
});

test.each(['imagenet-resnet18', 'imagenet-resnet50'])("%s: torchvision's values", (name) => {
  expect(configFrom(name)).toMatchObject({
    epochs: 90,
    batchSize: 8 * 32,
    data: { name: 'imagenet', imageSize: 224, resizeTo: 256 },
    labelSmoothing: 0,
    model: { name, width: null, precision: 'float32' },
    optimizer: { momentum: 0.9, nesterov: false, weightDecay: 1e-4, decayed: 'all' },
    schedule: { name: 'step', learningRate: 0.1, milestones: [30, 60], factor: 0.1 },
  });
});
