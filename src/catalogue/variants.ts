// One row for each variant of what a configuration chooses by name: which keys it reads beside those
// that all of its kind read.
import {
  ADAPTIVE_NAMES,
  type DataConfig,
  type LabelNoiseConfig,
  type OptimizerConfig,
  type ScheduleConfig,
} from '../config/schema.js';

interface OptimizerRow {
  /** Gradients a step: at w, and at w + eps where it climbs. */
  readonly passes: 1 | 2;
  /** What applies the gradient; null: what `base` says. */
  readonly descent: OptimizerConfig['base'] | null;
  readonly reads: readonly (keyof OptimizerConfig)[];
}

const CLIMB = ['base', 'rho', 'adaptive'] as const;
const MOVING_AVERAGE = ['sigma', 'lambda', 'emaOrder'] as const;

/** In the order in which they are listed. */
export const OPTIMIZERS = {
  sgd: { passes: 1, descent: 'sgd', reads: [] },
  adamw: { passes: 1, descent: 'adamw', reads: [] },
  sam: { passes: 2, descent: null, reads: CLIMB },
  fsam: { passes: 2, descent: null, reads: [...CLIMB, ...MOVING_AVERAGE] },
} as const satisfies Record<OptimizerConfig['name'], OptimizerRow>;

/** `asam` is sam with an adaptive climb. */
export function optimizerTitle(name: OptimizerConfig['name'], adaptive: boolean): string {
  const alias = Object.entries(ADAPTIVE_NAMES).find(([, plain]) => plain === name)?.[0];
  return adaptive && alias !== undefined ? alias : name;
}

/** The titles in their order. */
export const OPTIMIZER_TITLES: readonly string[] = (
  Object.keys(OPTIMIZERS) as OptimizerConfig['name'][]
).flatMap((name) => [...new Set([name, optimizerTitle(name, true)])]);

interface Reading<T> {
  readonly reads: readonly (keyof T)[];
}

/** What applies a gradient. */
export const DESCENTS = {
  sgd: { reads: ['momentum', 'nesterov'] },
  adamw: { reads: ['beta1', 'beta2', 'epsilon'] },
} as const satisfies Record<OptimizerConfig['base'], Reading<OptimizerConfig>>;

/** `directory`: where it decides which set is read; the others are one set wherever they lie. */
export const DATA_SETS = {
  cifar10: { reads: [] },
  cifar100: { reads: [] },
  idx: { reads: ['directory'] },
  'fashion-mnist-tiny': { reads: [] },
  synthetic: { reads: ['synthetic'] },
} as const satisfies Record<DataConfig['name'], Reading<DataConfig>>;

export const SCHEDULES = {
  cosine: { reads: [] },
  step: { reads: ['milestones', 'factor'] },
  constant: { reads: [] },
} as const satisfies Record<ScheduleConfig['name'], Reading<ScheduleConfig>>;

export const NOISES = {
  symmetric: { reads: ['exclusive'] },
  asymmetric: { reads: [] },
} as const satisfies Record<LabelNoiseConfig['kind'], Reading<LabelNoiseConfig>>;

/**
 * Whether the row called `name` reads `key`; a name that has no row, in a configuration that is
 * wrong, reads nothing.
 */
export function reads(
  table: Readonly<Record<string, { readonly reads: readonly string[] }>>,
  name: string,
  key: string,
): boolean {
  return Object.hasOwn(table, name) && (table[name]?.reads.includes(key) ?? false);
}
