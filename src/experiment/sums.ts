// What the steps of the epoch under way add up to; kept by checkpoints, so that an epoch goes on.
import { z } from 'zod';
import type { StepResult } from '../session/engine.js';
import { inUnit, type Measure, type TrainingMeasure } from '../session/measure.js';
import { required } from '../util/errors.js';

const sumsSchema = z.strictObject({
  examples: z.int(),
  steps: z.int(),
  /** By column of metrics.csv. */
  totals: z.record(z.string(), z.number()),
  /** Of those that not every step measures: what the steps had that did not. */
  lacking: z.record(z.string(), z.strictObject({ examples: z.int(), steps: z.int() })).default({}),
});
export type EpochSums = z.infer<typeof sumsSchema>;

/** As versions before `totals` wrote it: the names that their numbers had, by column. */
const FORMER = {
  train_loss: 'loss',
  train_accuracy: 'correct',
  train_accuracy_clean: 'originalCorrect',
  perturbed_loss: 'perturbedLoss',
  perturbed_accuracy: 'perturbedCorrect',
  gradient_norm: 'gradientNorm',
  perturbation_cosine: 'perturbationCosine',
} as const;

/** Reads either. */
export const epochSumsSchema = z.preprocess((written) => {
  if (typeof written !== 'object' || written === null || !('images' in written)) return written;
  const { images, steps, ...numbers } = written as Readonly<Record<string, unknown>>;
  const totals = Object.entries(FORMER).map(([column, name]) => [column, numbers[name]] as const);
  return { examples: images, steps, totals: Object.fromEntries(totals) };
}, sumsSchema);

export const NO_SUMS: EpochSums = { examples: 0, steps: 0, totals: {}, lacking: {} };

/** Means over examples, and sums over them, are weighed by how many there are; the rest by steps. */
export function addStep(
  sums: EpochSums,
  { examples, numbers }: StepResult,
  measures: readonly TrainingMeasure[],
): EpochSums {
  const totals = measures.flatMap(({ column, weight, needs }) => {
    // What an older version began without has no mean over this epoch.
    if (sums.steps > 0 && !(column in sums.totals)) return [];
    // Of the climb, which not every step makes.
    const value = needs === 'climb' ? (numbers[column] ?? 0) : required(numbers[column], column);
    const term = weight === 'mean' ? value * examples : value;
    return [[column, (sums.totals[column] ?? 0) + term] as const];
  });
  const lacking = measures
    .filter(({ column }) => !(column in numbers))
    .map(({ column }) => {
      const before = sums.lacking[column] ?? NONE;
      return [column, { examples: before.examples + examples, steps: before.steps + 1 }] as const;
    });
  return {
    examples: sums.examples + examples,
    steps: sums.steps + 1,
    totals: Object.fromEntries(totals),
    lacking: { ...sums.lacking, ...Object.fromEntries(lacking) },
  };
}

const NONE = { examples: 0, steps: 0 };

/**
 * The mean of a measure over the steps of the epoch so far that have it, in its unit; null where none has, or
 * an older version began it.
 */
export function meanSoFar(
  row: Pick<Measure, 'column' | 'unit' | 'weight'>,
  { totals, examples, steps, lacking }: EpochSums,
): number | null {
  const total = totals[row.column];
  const without = lacking[row.column] ?? NONE;
  const count = row.weight === 'step' ? steps - without.steps : examples - without.examples;
  return total === undefined || count === 0 ? null : inUnit(row, total, count);
}
