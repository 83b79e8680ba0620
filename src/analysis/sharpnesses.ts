// `analyze sharpness`: how much the loss rises near the weights, by every measure that is in use.
import {
  digits,
  digitsOf,
  examplesOf,
  halvesOf,
  objectiveOf,
  POSITION,
  positionOf,
  prefixOf,
  watchOf,
  withError,
  type Context,
  type Results,
  type Row,
} from './context.js';
import { STEPS } from './ascent.js';
import { sampleSize } from './opened.js';
import { UserError } from '../util/errors.js';
import {
  measureByParts,
  measureSharpness,
  type Sharpness,
  type SharpnessKind,
  type SharpnessOptions,
  type SharpnessRow,
} from './sharpness.js';

export interface SharpnessesOptions extends Omit<SharpnessOptions, 'seed'> {
  readonly kinds: readonly SharpnessKind[];
  /** Lengths of the perturbation. */
  readonly rho: readonly number[];
  /** The same relative to each weight. */
  readonly adaptiveRho: readonly number[];
  /** Examples of a part, for the mean over parts; null: of the whole sample alone. */
  readonly m: number | null;
  /** Parts at most. */
  readonly parts: number;
}

const COLUMNS = [
  ...POSITION,
  ...[
    'kind',
    'adaptive',
    'rho',
    'steps',
    'restarts',
    'm',
    'loss',
    'rise',
    'std',
    'standard_error',
    'count',
  ],
];

/** Of the whole sample, of its first half, and part by part. */
export async function analyseSharpness(
  context: Context,
  { kinds, rho, adaptiveRho, m, parts, ...options }: SharpnessesOptions,
): Promise<Results> {
  const asked = [
    ...[...new Set(rho)].map((one) => ({ rho: one, adaptive: false })),
    ...[...new Set(adaptiveRho)].map((one) => ({ rho: one, adaptive: true })),
  ].flatMap((one) => kinds.map((kind): Sharpness => ({ kind, ...one })));
  const all = sampleSize(context.opened, context.options);
  if (m !== null && m > all) {
    throw new UserError(
      `--m: got ${m}, wanted no more than the ${all} ${examplesOf(context)} of the sample`,
    );
  }
  const measured = { ...options, seed: context.options.seed };
  const found: { samples: number; row: SharpnessRow }[] = [];
  for (const samples of halvesOf(all)) {
    const rows = await ofWhole(context, asked, measured, samples);
    found.push(...rows.map((row) => ({ samples, row })));
  }
  if (m !== null) {
    const count = Math.min(parts, Math.floor(all / m));
    const rows = await ofParts(context, asked, measured, m, count);
    found.push(...rows.map((row) => ({ samples: count * m, row })));
  }
  return {
    columns: COLUMNS,
    rows: found.map(({ samples, row }) => rowOf(context, measured, samples, row)),
    figures: [],
    lines: found.map(({ samples, row }) => lineOf(context, samples, row)),
  };
}

const nameOf = ({ kind, adaptive, rho }: Sharpness): string =>
  `${kind}${adaptive ? ' adaptive' : ''} ${rho}`;

async function ofWhole(
  context: Context,
  asked: readonly Sharpness[],
  options: SharpnessOptions,
  samples: number,
): Promise<SharpnessRow[]> {
  const objective = objectiveOf(context, ['loss', 'gradient'], [0, samples]);
  try {
    const rows: SharpnessRow[] = [];
    for (const one of asked) {
      const name = `${prefixOf(context)}${samples}/${nameOf(one)}`;
      const watch = watchOf(
        context,
        `${nameOf(one)}, passes over ${samples} ${examplesOf(context)}`,
      );
      const make = () => measureSharpness(objective, one, options, watch);
      rows.push(await context.journal.piece(name, make));
    }
    return rows;
  } finally {
    objective.dispose();
  }
}

/** Each part opened once for each measure, one at a time. */
async function ofParts(
  context: Context,
  asked: readonly Sharpness[],
  options: SharpnessOptions,
  m: number,
  count: number,
): Promise<SharpnessRow[]> {
  const rows: SharpnessRow[] = [];
  for (const one of asked) {
    const parts = function* () {
      for (let part = 0; part < count; part++) {
        const objective = objectiveOf(context, ['loss', 'gradient'], [part * m, (part + 1) * m]);
        try {
          yield objective;
        } finally {
          objective.dispose();
        }
      }
    };
    const onPart = (done: number): void => {
      context.progress(`${nameOf(one)}, parts of ${m} ${examplesOf(context)}`, done, count);
    };
    const make = () => measureByParts(parts(), m, one, options, { signal: context.signal, onPart });
    rows.push(await context.journal.piece(`${prefixOf(context)}m ${m}/${nameOf(one)}`, make));
  }
  return rows;
}

const rowOf = (
  context: Context,
  { steps = STEPS, restarts = 0 }: SharpnessOptions,
  samples: number,
  row: SharpnessRow,
): Row => ({
  ...positionOf(context, samples, row.m ?? samples),
  kind: row.kind,
  adaptive: row.adaptive ? 'yes' : 'no',
  rho: row.rho,
  ...(row.kind === 'worst-case' ? { steps, restarts } : { steps: '', restarts: '' }),
  m: row.m ?? '',
  loss: digits(row.loss),
  rise: digits(row.mean),
  std: digitsOf(row.std),
  standard_error: digitsOf(row.stderr),
  count: row.count,
});

function lineOf(
  context: Context,
  samples: number,
  { kind, adaptive, rho, m, mean, stderr }: SharpnessRow,
): string {
  const examples = examplesOf(context);
  const over = m === null ? `over ${samples} ${examples}` : `mean over parts of ${m} ${examples}`;
  const what = `${kind}${adaptive ? ', adaptive' : ''}, rho ${rho}`;
  if (Number.isNaN(mean)) return `${what}: the loss there is not a number; ask for a smaller rho`;
  return `${what}: rises by ${withError(mean, stderr)} (${over})`;
}
