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

const formerSchema = z
  .strictObject({
    images: z.int(),
    steps: z.int(),
    ...(Object.fromEntries(Object.values(FORMER).map((name) => [name, z.number()])) as Record<
      (typeof FORMER)[keyof typeof FORMER],
      z.ZodNumber
    >),
  })
  .transform(({ images, steps, ...numbers }): EpochSums => {
    const totals = Object.entries(FORMER).map(([column, name]) => [column, numbers[name]] as const);
    return { examples: images, steps, totals: Object.fromEntries(totals) };
  });

/** Reads either. */
export const epochSumsSchema = z.union([sumsSchema, formerSchema]);

export const NO_SUMS: EpochSums = { examples: 0, steps: 0, totals: {} };

/** Means over examples, and sums over them, are weighed by how many there are; the rest by steps. */
export function addStep(
  sums: EpochSums,
  { examples, numbers }: StepResult,
  measures: readonly TrainingMeasure[],
): EpochSums {
  const totals = measures.map(({ column, weight }) => {
    const value = required(numbers[column], column);
    const term = weight === 'mean' ? value * examples : value;
    return [column, (sums.totals[column] ?? 0) + term] as const;
  });
  return {
    examples: sums.examples + examples,
    steps: sums.steps + 1,
    totals: Object.fromEntries(totals),
  };
}

/** The mean of a measure over the epoch so far, in its unit. */
export const meanSoFar = (
  row: Pick<Measure, 'column' | 'unit' | 'weight'>,
  { totals, examples, steps }: EpochSums,
): number => inUnit(row, totals[row.column] ?? 0, row.weight === 'step' ? steps : examples);
