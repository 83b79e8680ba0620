// One row for each optimizer, with the keys that it reads.
import { z } from 'zod';
import { DESCENTS, type DescentName } from './descents.js';
import {
  below,
  inWords,
  key,
  keysOfRows,
  rowNames,
  section,
  type Entries,
  type Values,
} from './key.js';
import { meanBatches } from '../util/whole-batches.js';
import { count, decay, fraction, nonNegative, positive } from './values.js';

/** What all that climb along a direction of their own read. */
const CLIMB = {
  base: key(z.enum(rowNames(DESCENTS)).default('sgd'), {
    role: 'result',
    help: (): string => `What applies the gradient that ${inWords(titlesWith(2))} find.`,
    folder: 'unless default',
  }),
  rho: key(nonNegative.default(0.2), {
    role: 'result',
    help: 'Length of the climb.',
    folder: 'always',
  }),
  perturb: key(z.enum(['all', 'norms', 'no-norms']).default('all'), {
    role: 'result',
    help: 'Parameters that climb: all, the scales and offsets of normalisations alone, or all but them.',
    folder: 'unless default',
  }),
  perturbation: key(z.enum(['own', 'shared']).default('own'), {
    role: 'result',
    help: 'Of a batch in parts (microBatches, devices, workers); own: each part climbs by itself (m-sharpness); shared: all climb along the gradient of the whole batch.',
    folder: 'unless default',
  }),
  rhoSchedule: key(z.enum(['constant', 'rate', 'inverse-sqrt']).default('constant'), {
    role: 'result',
    help: 'rho over time; rate: from rho down to optimizer.rhoMin in proportion to the learning rate; inverse-sqrt: over the root of the step.',
    folder: 'unless default',
  }),
  rhoMin: key(nonNegative.default(0), {
    role: 'result',
    help: 'What rho would be at a learning rate of 0.',
    read: (at) => at('optimizer.rhoSchedule') === 'rate',
    folder: 'unless default',
  }),
} as const;

const ADAPTIVE = {
  adaptive: key(z.boolean().default(false), {
    role: 'result',
    help: (): string => `Measure the climb relative to each weight (${aliasesInWords()}).`,
    toldBy: 'optimizer.name',
  }),
} as const;

const alpha = key(nonNegative.default(0.4), {
  role: 'result',
  help: 'How much of the part of one gradient that is orthogonal to the other counts.',
  folder: 'always',
});

/** What is read of sigma depends on how the full gradient is taken out. */
const sigma = key(nonNegative.default(1), {
  role: 'result',
  help: 'Share of the EMA gradient, or with projection constant of the full gradient, that is taken out of the climb.',
  read: (at) => at('optimizer.name') !== 'sam-noise' || at('optimizer.projection') === 'constant',
  folder: 'always',
});

const fullGradientSchema = section({
  every: key(count.default(1), {
    role: 'result',
    help: 'Steps from one full gradient to the next; it is kept in between.',
    folder: 'unless default',
  }),
  samples: key(z.union([z.literal('all'), count]).default('all'), {
    role: 'result',
    help: "all: the mean gradient over every batch of the epoch; a number: over at least as many examples, in whole batches from the one after the step's own on.",
    folder: 'unless default',
  }),
  batchNorm: key(z.enum(['batch', 'running']).default('batch'), {
    role: 'result',
    help: "Statistics by which BatchNorm normalises there: each batch's own, or the running ones.",
    folder: 'unless default',
  }),
});

const FULL_GRADIENT = {
  fullGradient: below(
    fullGradientSchema.prefault({}),
    'The gradient over the training set, of which a step knows a batch.',
  ),
} as const;

type OptimizerRow = {
  /** Gradients a step: at w, and at w + eps where it climbs. */
  readonly passes: 1 | 2;
  /** What applies the gradient; null: what `base` says. */
  readonly descent: DescentName | null;
  /** Beside those of its descent. */
  readonly keys: Entries;
} & (
  | { readonly keys: { readonly adaptive?: never }; readonly adaptive?: never }
  | {
      readonly keys: { readonly adaptive: Entries[string] };
      /**
       * Its name where the climb is adaptive, which tells such runs from others; a configuration that
       * is read has the row's own.
       */
      readonly adaptive: string;
    }
);

/** In the order in which they are listed. */
export const OPTIMIZERS = {
  sgd: { passes: 1, descent: 'sgd', keys: {} },
  adamw: { passes: 1, descent: 'adamw', keys: {} },
  sam: { passes: 2, descent: null, adaptive: 'asam', keys: { ...CLIMB, ...ADAPTIVE } },
  fsam: {
    passes: 2,
    descent: null,
    adaptive: 'fasam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      sigma,
      lambda: key(decay.default(0.6), {
        role: 'result',
        help: 'Decay of the EMA of gradients.',
        folder: 'always',
      }),
      emaOrder: key(z.enum(['code', 'paper']).default('code'), {
        role: 'result',
        help: "code: the old EMA is subtracted, as the authors' code does; paper: the new one.",
        folder: 'unless default',
      }),
    },
  },
  vasso: {
    passes: 2,
    descent: null,
    keys: {
      ...CLIMB,
      theta: key(fraction.default(0.9), {
        role: 'result',
        help: 'Share of the new gradient in the moving average that is climbed along.',
        folder: 'always',
      }),
    },
  },
  gsam: {
    passes: 2,
    descent: null,
    adaptive: 'agsam',
    keys: {
      ...CLIMB,
      ...ADAPTIVE,
      alpha,
      minimize: key(z.enum(['perturbed', 'plain']).default('perturbed'), {
        role: 'result',
        help: "perturbed: along the gradient at w + eps, corrected, as the authors' code does; plain: along that at w.",
        folder: 'unless default',
      }),
    },
  },
  looksam: {
    passes: 2,
    descent: null,
    keys: {
      ...CLIMB,
      every: key(count.default(5), {
        role: 'result',
        help: 'Steps from one climb to the next.',
        folder: 'always',
      }),
      alpha,
    },
  },
  'sam-full': { passes: 2, descent: null, keys: { ...CLIMB, ...FULL_GRADIENT } },
  'sam-noise': {
    passes: 2,
    descent: null,
    keys: {
      ...CLIMB,
      ...FULL_GRADIENT,
      projection: key(z.enum(['exact', 'constant']).default('exact'), {
        role: 'result',
        help: 'exact: what is orthogonal to the full gradient is climbed along; constant: the gradient less sigma times the full one.',
        folder: 'unless default',
      }),
      sigma,
    },
  },
  msam: { passes: 1, descent: 'sgd', keys: { rho: CLIMB.rho } },
} as const satisfies Readonly<Record<string, OptimizerRow>>;

type OptimizerName = keyof typeof OPTIMIZERS;

/** Whether a step has a second pass, at w + eps. */
export const climbs = ({ name }: { readonly name: OptimizerName }): boolean =>
  OPTIMIZERS[name].passes === 2;

/** What applies the gradient. */
export const descentOf = ({
  name,
  base,
}: {
  readonly name: OptimizerName;
  readonly base: DescentName;
}): DescentName => OPTIMIZERS[name].descent ?? base;

/** Whether it takes the full gradient, too. */
export const takesFullGradient = ({ name }: { readonly name: OptimizerName }): boolean =>
  'fullGradient' in OPTIMIZERS[name].keys;

/**
 * How many batches' gradients a step takes in the mean, those of the full gradient among them.
 *
 * @param examples that the batches of an epoch have
 */
export function gradientsPerStep(
  { name, fullGradient }: Taken,
  batchSize: number,
  examples: number,
): number {
  const { passes } = OPTIMIZERS[name];
  if (!takesFullGradient({ name })) return passes;
  const { every, samples } = fullGradient;
  return passes + meanBatches(examples, batchSize, samples) / every;
}

interface Taken {
  readonly name: OptimizerName;
  readonly fullGradient: z.output<typeof fullGradientSchema>;
}

/** Whether the climb is measured relative to each weight. */
export const climbsAdaptively = ({
  name,
  adaptive,
}: {
  readonly name: OptimizerName;
  readonly adaptive: boolean;
}): boolean => adaptive && 'adaptive' in OPTIMIZERS[name];

type AliasIn<Row> = Row extends { readonly adaptive: infer A extends string } ? A : never;
type Alias = AliasIn<(typeof OPTIMIZERS)[OptimizerName]>;

/** Undefined for a name that has no row, in a configuration that is wrong. */
const rowOf = (name: unknown): OptimizerRow | undefined =>
  Object.hasOwn(OPTIMIZERS, String(name)) ? OPTIMIZERS[name as OptimizerName] : undefined;

/** `asam` is sam with an adaptive climb. */
export function optimizerTitle(name: string, adaptive: boolean): string {
  return (adaptive ? rowOf(name)?.adaptive : undefined) ?? name;
}

const titlesOf = (name: string): readonly string[] => [
  ...new Set([name, optimizerTitle(name, true)]),
];

/** The titles in their order. */
export const OPTIMIZER_TITLES = rowNames(OPTIMIZERS).flatMap(titlesOf) as readonly (
  OptimizerName | Alias
)[];

const titlesWith = (passes: OptimizerRow['passes']): readonly string[] =>
  rowNames(OPTIMIZERS)
    .filter((name) => OPTIMIZERS[name].passes === passes)
    .flatMap(titlesOf);

/** The optimizer that each alias stands for. */
const ALIASES: ReadonlyMap<string, string> = new Map(
  rowNames(OPTIMIZERS).flatMap((name) =>
    titlesOf(name)
      .slice(1)
      .map((alias) => [alias, name]),
  ),
);

const aliasesInWords = (): string =>
  [...ALIASES]
    .map(([alias, name], i) => `${alias} is ${name}${i === 0 ? ' with it' : ''}`)
    .join(', ');

/** `sam` and `adaptive`, where `asam` was written. */
export function withoutAlias<N extends string, A>(written: {
  readonly name: N;
  readonly adaptive: A;
}): { name: Exclude<N, Alias>; adaptive: A | true } {
  const { name, adaptive } = written;
  const own = ALIASES.get(name);
  return own === undefined
    ? { name: name as Exclude<N, Alias>, adaptive }
    : { name: own as Exclude<N, Alias>, adaptive: true };
}

const chosenDescent = (at: Values): unknown =>
  rowOf(at('optimizer.name'))?.descent ?? at('optimizer.base');

/** The keys of the section, in its order. */
export const OPTIMIZER_KEYS = {
  name: key(z.enum(OPTIMIZER_TITLES), {
    role: 'result',
    help: `${inWords(titlesWith(1))} take one gradient a step; ${inWords(titlesWith(2))} climb first.`,
    meaning: (name, at) => optimizerTitle(name, at('optimizer.adaptive') === true),
    folder: 'always',
  }),
  ...keysOfRows(OPTIMIZERS, (at) => at('optimizer.name'), titlesOf),
  ...keysOfRows(DESCENTS, chosenDescent),
  layerDecay: key(positive.max(1).nullable().default(null), {
    role: 'result',
    help: 'What the learning rate is multiplied by from layer to layer, from the classifier of a vision transformer to its input, as fine-tuning does; null: all have the same.',
    folder: 'unless default',
  }),
  clipNorm: key(positive.nullable().default(null), {
    role: 'result',
    help: 'Largest L2 norm of the gradient that is descended along; null: any.',
  }),
} as const;
