// Every key of the configuration, once: what depends on it, under which variant it is read, and what
// it is called. Labels, folders' names, points of a report, what resume compares and what a filter
// matches follow from this table; a key that is missing here does not compile.
import { normalize } from 'node:path';
import { parseNetworkName, PUBLISHED, type NetworkOption } from '../config/networks.js';
import type { Config, OptimizerConfig } from '../config/schema.js';
import {
  DATA_SETS,
  DESCENTS,
  NOISES,
  OPTIMIZERS,
  optimizerTitle,
  reads,
  SCHEDULES,
} from './variants.js';

type Leaf = string | number | boolean | null | readonly unknown[];

type PathsOf<T> = {
  [K in keyof T & string]: T[K] extends Leaf ? K : `${K}.${PathsOf<T[K]>}`;
}[keyof T & string];

/** The dotted name of a key that has a value: `optimizer.rho`. */
export type KeyPath = PathsOf<Config>;

type ValueOf<P extends string, T = Config> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? ValueOf<Rest, T[K]>
    : never
  : P extends keyof T
    ? T[P]
    : never;

/** The value of a key in a configuration. */
export type Reader = <P extends KeyPath>(key: P) => ValueOf<P>;

/**
 * What depends on a key. `result`: every number of a run. `rounding`: their last digits. `place`: what
 * is read there, which may be moved while a run stands. `seed`: what is drawn; runs that differ in
 * nothing else are one point. `device`: nothing by itself, but the device that was used because of it
 * counts. `name`: what a run is called. `nothing`: none of these.
 */
export type Role = 'result' | 'rounding' | 'place' | 'seed' | 'device' | 'name' | 'nothing';

export interface KeyRow {
  readonly role: Role;
  /** Whether it is read, by the values of other keys; left out: always. */
  readonly read?: (at: Reader) => boolean;
  /** What its value means, where several mean the same: null, for the published width. */
  readonly meaning?: (at: Reader) => unknown;
  /** The key whose meaning tells this one's value, too. */
  readonly toldBy?: KeyPath;
  /** What stands before a number in labels; left out: the last part of its name. */
  readonly word?: string;
  /** On the axis of a figure; left out: the last part of its name. */
  readonly title?: string;
  /**
   * What it was in the runs of versions that did not have it; left out: its default, or no such
   * version wrote runs.
   */
  readonly absent?: string | number | boolean | null;
}

const RESULT: KeyRow = { role: 'result' };
const NOTHING: KeyRow = { role: 'nothing' };
const NAME: KeyRow = { role: 'name' };

const readWhere = (read: (at: Reader) => boolean): KeyRow => ({ role: 'result', read });
const ofSynthetic = readWhere((at) => reads(DATA_SETS, at('data.name'), 'synthetic'));
const ofSchedule = (key: string): KeyRow =>
  readWhere((at) => reads(SCHEDULES, at('schedule.name'), key));
const isDrawn = (at: Reader): boolean => at('labelNoise.rate') !== 0;

/** A key of the rule that finds a gradient, or of the descent that applies it. */
const ofOptimizer = (key: keyof OptimizerConfig): KeyRow =>
  readWhere((at) => {
    const name = at('optimizer.name');
    if (reads(OPTIMIZERS, name, key)) return true;
    const own = Object.hasOwn(OPTIMIZERS, name) ? OPTIMIZERS[name].descent : null;
    return reads(DESCENTS, own ?? at('optimizer.base'), key);
  });

/** Null is the published value of the network's family. */
const ofNetwork = (option: NetworkOption | 'width'): KeyRow => {
  const published = (at: Reader): Readonly<Record<string, unknown>> => {
    const name = parseNetworkName(at('model.name'));
    return name === undefined ? {} : PUBLISHED[name.family];
  };
  return {
    role: 'result',
    read: (at) => option in published(at),
    meaning: (at) => at(`model.${option}`) ?? published(at)[option],
  };
};

/** In the schema's order. */
export const KEYS: Readonly<Record<KeyPath, KeyRow>> = {
  name: NAME,
  variant: NAME,
  seed: { role: 'seed' },
  epochs: RESULT,
  maxSteps: RESULT,
  batchSize: RESULT,
  dropLast: RESULT,
  microBatches: RESULT,
  evaluationBatchSize: NOTHING,
  'data.name': RESULT,
  'data.directory': {
    role: 'place',
    read: (at) => reads(DATA_SETS, at('data.name'), 'directory'),
    meaning: (at) => normalize(`${at('data.directory')}/.`),
  },
  'data.subset.train': RESULT,
  'data.subset.test': RESULT,
  'data.validation': RESULT,
  'data.synthetic.train': ofSynthetic,
  'data.synthetic.test': ofSynthetic,
  'data.synthetic.size': ofSynthetic,
  'data.synthetic.channels': ofSynthetic,
  'data.synthetic.classes': ofSynthetic,
  'labelNoise.rate': { role: 'result', word: 'noise', title: 'label noise rate' },
  'labelNoise.kind': readWhere(isDrawn),
  'labelNoise.exclusive': readWhere(
    (at) => isDrawn(at) && reads(NOISES, at('labelNoise.kind'), 'exclusive'),
  ),
  'labelNoise.seed': { ...readWhere(isDrawn), title: 'noise seed' },
  'labelNoise.file': {
    role: 'result',
    meaning: (at) => {
      const path = at('labelNoise.file');
      return path === null ? null : normalize(path);
    },
  },
  'augmentation.flip': RESULT,
  'augmentation.cropPadding': RESULT,
  'augmentation.cutout': RESULT,
  'augmentation.cutoutProbability': readWhere((at) => at('augmentation.cutout') !== 0),
  labelSmoothing: RESULT,
  'model.name': RESULT,
  'model.width': ofNetwork('width'),
  'model.dropout': ofNetwork('dropout'),
  'model.dropPath': ofNetwork('dropPath'),
  'model.block': ofNetwork('block'),
  'model.stageBlocks': ofNetwork('stageBlocks'),
  'model.patch': ofNetwork('patch'),
  'model.layers': ofNetwork('layers'),
  'model.heads': ofNetwork('heads'),
  'model.convolution': { role: 'rounding', absent: 'direct' },
  'model.precision': RESULT,
  'optimizer.name': {
    role: 'result',
    meaning: (at) => optimizerTitle(at('optimizer.name'), at('optimizer.adaptive')),
  },
  'optimizer.base': ofOptimizer('base'),
  'optimizer.rho': ofOptimizer('rho'),
  'optimizer.adaptive': { ...ofOptimizer('adaptive'), toldBy: 'optimizer.name' },
  'optimizer.sigma': ofOptimizer('sigma'),
  'optimizer.lambda': ofOptimizer('lambda'),
  'optimizer.emaOrder': ofOptimizer('emaOrder'),
  'optimizer.momentum': ofOptimizer('momentum'),
  'optimizer.nesterov': ofOptimizer('nesterov'),
  'optimizer.weightDecay': RESULT,
  'optimizer.beta1': ofOptimizer('beta1'),
  'optimizer.beta2': ofOptimizer('beta2'),
  'optimizer.epsilon': ofOptimizer('epsilon'),
  'optimizer.clipNorm': RESULT,
  'schedule.name': RESULT,
  'schedule.learningRate': RESULT,
  'schedule.warmupEpochs': RESULT,
  'schedule.milestones': ofSchedule('milestones'),
  'schedule.factor': ofSchedule('factor'),
  weightAverage: RESULT,
  'checkpoint.everyEpochs': NOTHING,
  'checkpoint.keepBest': NOTHING,
  'logging.tensorboard': NOTHING,
  device: { role: 'device' },
};

export const KEY_PATHS = Object.keys(KEYS) as KeyPath[];

/** Null where it is no key that has a value: a section, or another word. */
export const rowOf = (key: string): KeyRow | null =>
  Object.hasOwn(KEYS, key) ? KEYS[key as KeyPath] : null;
