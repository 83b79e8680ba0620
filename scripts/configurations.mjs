// Small configurations drawn from a seed, of every optimizer and every kind of network in turn, so that
// fourteen in a row use every key of the schema. test/native/configurations.test.ts trains some of them,
// scripts/check-configurations.mjs as many as one likes.
import fc from 'fast-check';

/** Stands for a file of labels, which depends on the data set: the reader writes one. */
export const LABELS_FILE = 'labels of the training set, some of them wrong';

/** @param {[number, number]} range */
const integer = ([min, max]) => fc.integer({ min, max });
/** @param {[number, number]} range */
const number = ([min, max]) =>
  fc.integer({ min: 0, max: 64 }).map((i) => min + ((max - min) * i) / 64);
const pick = fc.constantFrom;

/** What every configuration draws. */
const COMMON = {
  name: pick('generated'),
  variant: pick('one', 'two', null),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  epochs: integer([2, 3]),
  maxSteps: pick(null, null, 5, 7),
  batchSize: integer([5, 8]),
  dropLast: fc.boolean(),
  // Parts are never empty: a batch has five images.
  microBatches: integer([1, 2]),
  devices: integer([1, 2]),
  evaluationBatchSize: integer([3, 9]),
  'data.name': pick('synthetic'),
  'data.directory': pick('elsewhere'),
  'data.subset.train': pick(null, 16, 19),
  'data.subset.test': pick(null, 9),
  'data.validation': pick(null, 4, 7),
  'data.resize': pick(null, null, 32),
  // Of sets that lie in files: what is trained here is drawn.
  'data.imageSize': pick(224),
  'data.resizeTo': pick(256),
  'data.classes': pick(null),
  'data.order': pick('full'),
  'data.shardsInBlock': pick(16),
  'data.onCorrupt': pick('error'),
  'data.workers': pick(null),
  // Of texts.
  'data.tokens': pick('characters', 'bytes'),
  'data.context': integer([4, 8]),
  'data.windows': pick(28, 33),
  'data.testShare': pick(0.1, 0.25),
  'data.synthetic.train': integer([28, 34]),
  'data.synthetic.test': integer([12, 16]),
  'data.synthetic.size': pick(8, 16),
  'data.synthetic.channels': pick(1, 3),
  'data.synthetic.classes': integer([2, 4]),
  'augmentation.flip': fc.boolean(),
  'augmentation.cropPadding': integer([0, 2]),
  'augmentation.cutout': integer([0, 6]),
  'augmentation.cutoutProbability': number([0, 1]),
  labelSmoothing: pick(0, 0.125),
  // A file of weights depends on the network: test/native/pretrained-run.test.ts has one.
  'model.pretrained': pick(null),
  'model.positions': pick('antialias', 'plain'),
  'model.convolution': pick('auto', 'direct'),
  'model.precision': pick('float32'),
  'optimizer.weightDecay': pick(0, 1e-3),
  'optimizer.decayed': pick('all', 'matrices'),
  'optimizer.clipNorm': pick(null, 0.5),
  'schedule.name': pick('cosine', 'step', 'constant', 'inverse-sqrt'),
  'schedule.learningRate': number([0.005, 0.05]),
  'schedule.warmupEpochs': pick(0, 0.5, 1),
  'schedule.floor': pick(0, 0.1),
  'schedule.milestones': pick([1], [1, 2]),
  'schedule.factor': number([0.25, 1]),
  weightAverage: pick(null, 0.75, 0.9),
  'checkpoint.keepEveryEpochs': pick(null, 1, 2),
  'probes.every': pick(null, 2),
  'probes.samples': pick('all', 7),
  'checkpoint.everyEpochs': integer([1, 2]),
  'checkpoint.keepBest': fc.boolean(),
  'logging.tensorboard': fc.boolean(),
  device: pick('cpu'),
  tf32: fc.boolean(),
  deterministic: fc.boolean(),
  // Compiles for half a minute: scripts/check-xla.mjs.
  xla: pick('off'),
};

const NOISE = {
  'labelNoise.rate': pick(0, 0.25),
  'labelNoise.kind': pick('symmetric'),
  'labelNoise.exclusive': fc.boolean(),
  'labelNoise.seed': pick(null, 5),
};
const CLIMB = {
  'optimizer.base': pick('sgd', 'adamw'),
  'optimizer.rho': number([0, 0.25]),
  'optimizer.perturbation': pick('own', 'shared'),
  'optimizer.perturb': pick('all', 'norms', 'no-norms'),
  'optimizer.rhoSchedule': pick('constant', 'rate', 'inverse-sqrt'),
  'optimizer.rhoMin': number([0, 0.1]),
};
const ADAPTIVE = { 'optimizer.adaptive': fc.boolean() };
const MOVING_AVERAGE = {
  'optimizer.sigma': number([0, 1]),
  'optimizer.lambda': number([0, 0.9]),
  'optimizer.emaOrder': pick('code', 'paper'),
};
const ALPHA = { 'optimizer.alpha': number([0, 1]) };
const FULL_GRADIENT = {
  'optimizer.fullGradient.every': integer([1, 3]),
  'optimizer.fullGradient.samples': pick('all', 5),
  'optimizer.fullGradient.batchNorm': pick('batch', 'running'),
};
const SGD = { 'optimizer.momentum': pick(0.5, 0.9), 'optimizer.nesterov': fc.boolean() };
const ADAMW = {
  'optimizer.beta1': number([0.5, 0.9]),
  'optimizer.beta2': number([0.9, 0.999]),
  'optimizer.epsilon': pick(1e-8, 1e-6),
};

/**
 * @param {string} name
 * @param {number} width
 */
const network = (name, width) => ({ 'model.name': pick(name), 'model.width': pick(width) });

/**
 * One for each optimizer, with a network of each family beside them.
 *
 * @type {{ optimizer: string; keys: Record<string, fc.Arbitrary<unknown>> }[]}
 */
const FRAMES = [
  { optimizer: 'sgd', keys: { ...SGD, ...NOISE, ...network('resnet18', 2) } },
  {
    optimizer: 'adamw',
    keys: {
      ...ADAMW,
      ...network('vit', 8),
      'model.patch': pick(4, 8),
      'model.layers': integer([1, 2]),
      'model.heads': pick(1, 2),
      'model.dropout': pick(0, 0.125),
      'model.dropPath': pick(0, 0.25),
      'optimizer.layerDecay': pick(0.75, 0.5),
    },
  },
  {
    optimizer: 'sam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...SGD,
      ...NOISE,
      ...network('wrn-10-1', 4),
      'model.stageBlocks': pick('code', 'paper', null),
      'model.dropout': pick(null, 0.25),
    },
  },
  {
    optimizer: 'asam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...ADAMW,
      ...network('pyramidnet-20-6', 4),
      'model.block': pick('basic', 'bottleneck', null),
    },
  },
  {
    optimizer: 'fsam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...MOVING_AVERAGE,
      ...SGD,
      ...network('resnet18', 2),
      'labelNoise.file': pick(LABELS_FILE),
    },
  },
  {
    optimizer: 'fasam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...MOVING_AVERAGE,
      ...ADAMW,
      ...network('vgg11-bn', 2),
      'data.synthetic.size': pick(32),
      'model.dropout': pick(null, 0.25),
    },
  },
  {
    optimizer: 'vasso',
    keys: { ...CLIMB, ...SGD, ...network('resnet18', 2), 'optimizer.theta': number([0.1, 1]) },
  },
  {
    optimizer: 'agsam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...ADAMW,
      ...network('wrn-10-1', 4),
      ...ALPHA,
      'optimizer.minimize': pick('perturbed', 'plain'),
    },
  },
  {
    optimizer: 'gsam',
    keys: { ...CLIMB, ...ADAPTIVE, ...SGD, ...network('resnet18', 2), ...ALPHA },
  },
  {
    optimizer: 'looksam',
    keys: {
      ...CLIMB,
      ...SGD,
      ...network('resnet18', 2),
      ...ALPHA,
      'optimizer.every': integer([1, 3]),
    },
  },
  {
    optimizer: 'sam-full',
    keys: { ...CLIMB, ...SGD, ...network('resnet18', 2), ...FULL_GRADIENT },
  },
  {
    optimizer: 'sam-noise',
    keys: {
      ...CLIMB,
      ...SGD,
      ...network('resnet18', 2),
      ...FULL_GRADIENT,
      'optimizer.projection': pick('exact', 'constant'),
      'optimizer.sigma': number([0, 1]),
    },
  },
  {
    optimizer: 'fsam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      ...MOVING_AVERAGE,
      ...ADAMW,
      ...network('gpt', 8),
      'optimizer.base': pick('adamw'),
      'data.name': pick('moby-dick'),
      'data.subset.train': pick(null, 40),
      'data.subset.test': pick(9),
      'data.resize': pick(null),
      'augmentation.cropPadding': pick(0),
      'augmentation.cutout': pick(0),
      'augmentation.cutoutProbability': pick(0),
      'model.layers': integer([1, 2]),
      'model.heads': pick(1, 2),
      'model.dropout': pick(0, 0.125),
      'model.bias': pick(true, false),
      'model.tied': pick(true, false),
    },
  },
  {
    optimizer: 'msam',
    keys: { ...SGD, ...network('resnet18', 2), 'optimizer.rho': number([0, 0.25]) },
  },
];

/** So many, one after the other, use every key. */
export const FRAME_COUNT = FRAMES.length;

/**
 * The configuration number `index` under `seed`, as a file has it.
 *
 * @param {number} index
 * @param {number} seed
 * @returns {Record<string, unknown>}
 */
export function configuration(index, seed) {
  const { optimizer, keys } = /** @type {(typeof FRAMES)[number]} */ (
    FRAMES[index % FRAMES.length]
  );
  /** @type {Record<string, fc.Arbitrary<unknown>>} */
  const all = { ...COMMON, ...keys, 'optimizer.name': pick(optimizer) };
  const [drawn] = fc.sample(fc.record(all), { numRuns: 1, seed: seed + index });
  /** @type {Record<string, unknown>} */
  const written = {};
  for (const [key, value] of Object.entries(drawn ?? {})) {
    const path = key.split('.');
    const last = /** @type {string} */ (path.pop());
    let section = written;
    for (const name of path) {
      section = /** @type {Record<string, unknown>} */ (section[name] ??= {});
    }
    section[last] = value;
  }
  return written;
}
