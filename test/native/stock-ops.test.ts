// The stock side of the benchmark: a step of tfjs's own operations and nothing else, which computes
// what ours does.
import { batchAt } from '../../src/data/image-source.js';
import { expect, test } from 'vitest';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { makeSynthetic } from '../../src/data/synthetic.js';
import { eagerBackend, tf } from '../../src/native/tensorflow.js';
import { createEngine } from '../../src/tasks/engine.js';
import { expectNear } from './support/compare.js';

const RATE = 0.01;

/** Of ResNets: below, oneDNN gets the filter gradients of their strided 1x1 convolutions wrong. */
const WIDTH = 16;

const configOf = (keys: Readonly<Record<string, unknown>>): Config =>
  configSchema.parse({
    name: 'stock',
    batchSize: 4,
    data: {
      name: 'synthetic',
      synthetic: { train: 4, test: 4, size: 32, channels: 3, classes: 4 },
    },
    optimizer: { name: 'fsam' },
    ...keys,
  });

const CASES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'resnet, label smoothing': { model: { name: 'resnet18', width: WIDTH }, labelSmoothing: 0.1 },
  'imagenet-resnet: overlapping max-pooling': {
    model: { name: 'imagenet-resnet18', width: WIDTH },
    // Of 32 pixels one would be left, and batches of 4 values to normalise: that multiplies roundings.
    data: {
      name: 'synthetic',
      synthetic: { train: 4, test: 4, size: 64, channels: 3, classes: 4 },
    },
  },
  'wrn, micro-batches': { model: { name: 'wrn-10-1', width: WIDTH }, microBatches: 2 },
  'vgg: max-pooling': { model: { name: 'vgg11-bn', width: 4, dropout: 0 } },
  'pyramidnet: average-pooling': { model: { name: 'pyramidnet-11-6', width: 8 } },
  vit: { model: { name: 'vit', width: 8, layers: 2, heads: 2 } },
  'adamw under fasam, clipped, averaged': {
    model: { name: 'resnet18', width: WIDTH },
    // With a small epsilon the first step is a sign, which a rounding turns over.
    optimizer: { name: 'fasam', base: 'adamw', clipNorm: 0.5, epsilon: 1 },
    weightAverage: 0.9,
  },
  'no augmentation': {
    model: { name: 'resnet18', width: WIDTH },
    augmentation: { flip: false, cropPadding: 0, cutout: 0 },
  },
};

/** What `body` calls of TensorFlow that no kernel of tfjs's own does. */
function foreignCalls(body: () => void): string[] {
  const engine = tf.engine();
  const backend = eagerBackend();
  const names = ['executeSingleOutput', 'executeMultipleOutputs'] as const;
  const found = new Set<string>();
  let inKernel = 0;
  const runKernel = engine.runKernel.bind(engine);
  const plain = Object.fromEntries(names.map((name) => [name, backend[name]]));
  engine.runKernel = function (...args: Parameters<typeof runKernel>) {
    if (args[0].startsWith('fsam.')) found.add(args[0]);
    inKernel++;
    try {
      return runKernel(...args);
    } finally {
      inKernel--;
    }
  };
  for (const name of names) {
    (backend as unknown as Record<string, unknown>)[name] = (...args: [string]) => {
      if (inKernel === 0) found.add(args[0]);
      return (plain[name] as (...args: unknown[]) => unknown).apply(backend, args);
    };
  }
  try {
    body();
  } finally {
    // Its own again, the prototype's.
    delete (engine as { runKernel?: unknown }).runKernel;
    Object.assign(backend, plain);
  }
  return [...found];
}

function stepOf(config: Config, mode: 'stock' | 'eager') {
  const engine = createEngine(config, makeSynthetic(config.data.synthetic, 1), { mode });
  const losses: number[] = [];
  const foreign = foreignCalls(() => {
    for (const step of [0, 1]) {
      const { numbers } = engine.trainStep(step, batchAt(Int32Array.of(0, 1, 2, 3)), RATE);
      losses.push(numbers['train_loss'] ?? NaN);
    }
  });
  engine.dispose();
  return { losses, foreign };
}

test.each(Object.entries(CASES))('%s', (_, keys) => {
  const config = configOf(keys);
  const [stock, eager] = [stepOf(config, 'stock'), stepOf(config, 'eager')];
  expect(stock.foreign).toEqual([]);
  expect(eager.foreign).not.toEqual([]);
  expectNear('loss', stock.losses.slice(0, 1), eager.losses.slice(0, 1), 1e-5);
  // After an update: where a rounding turns a ReLU over, its gradient lacks a term. A wrong op is 1e-2 off.
  expectNear('next loss', stock.losses.slice(1), eager.losses.slice(1), 1e-3);
});

test('dropout, by draws of its own', () => {
  const config = configOf({ model: { name: 'vgg11-bn', width: 4, dropout: 0.5 } });
  expect(stepOf(config, 'stock').foreign).toEqual([]);
});
