// The rows of metrics.csv: everything measured that is the same for the same command, summed up
// step by step.
import { z } from 'zod';
import { OPTIMIZERS } from '../catalogue/optimizers.js';
import type { Config, OptimizerConfig } from '../catalogue/schema.js';
import type { Evaluation, StepResult } from '../train/engine.js';
import type { Columns, Row } from './table.js';

/**
 * One epoch. Accuracies in percent; absent values (an optimizer with one pass only) are empty
 * fields.
 */
export interface MetricsRow {
  /** From 1. */
  readonly epoch: number;
  /** Steps done, over the whole run. */
  readonly step: number;
  /** Of the epoch's last step. */
  readonly learning_rate: number;
  readonly train_loss: number;
  /** Against the labels trained on. */
  readonly train_accuracy: number;
  /** Against the labels before label noise. */
  readonly train_accuracy_clean: number | null;
  readonly perturbed_loss: number | null;
  readonly perturbed_accuracy: number | null;
  /** Of the images held out for validation; only where there are some. */
  readonly validation_loss?: number;
  readonly validation_accuracy?: number;
  readonly test_loss: number;
  readonly test_accuracy: number;
  /** At the best epoch so far; what is best, `bestBy` tells. */
  readonly best_test_accuracy: number;
  /** Mean over the epoch's steps of the L2 norm of the gradient at w. */
  readonly gradient_norm: number;
  /** Mean over the epoch's steps of the cosine of the climb direction and the gradient at w. */
  readonly perturbation_cosine: number | null;
}

const rate = (value: number) => value.toPrecision(7);
const percent = (value: number) => value.toFixed(3);

/**
 * The columns in their order, each with how its numbers are written: 7 digits, about what float32
 * has, or 0.001 %.
 */
const FORMATS: { readonly [K in keyof MetricsRow]-?: (value: number) => string } = {
  epoch: String,
  step: String,
  learning_rate: rate,
  train_loss: rate,
  train_accuracy: percent,
  train_accuracy_clean: percent,
  perturbed_loss: rate,
  perturbed_accuracy: percent,
  validation_loss: rate,
  validation_accuracy: percent,
  test_loss: rate,
  test_accuracy: percent,
  best_test_accuracy: percent,
  gradient_norm: rate,
  perturbation_cosine: rate,
};

export type MetricsColumn = keyof MetricsRow;

const ALL_COLUMNS = Object.keys(FORMATS) as MetricsColumn[];
const OF_VALIDATION: readonly MetricsColumn[] = ['validation_loss', 'validation_accuracy'];

/** What every run has. */
export const METRICS_COLUMNS = ALL_COLUMNS.filter((column) => !OF_VALIDATION.includes(column));

/** Absent in some runs. */
const OPTIONAL: readonly MetricsColumn[] = [
  'train_accuracy_clean',
  'perturbed_loss',
  'perturbed_accuracy',
  'perturbation_cosine',
];

/** The columns of the metrics.csv of such a run. */
export const metricsTable = (config: Pick<Config, 'data'>): Columns => ({
  all: metricsColumns(config),
  optional: OPTIONAL,
});

/** Their names. */
export const metricsColumns = ({ data }: Pick<Config, 'data'>): readonly MetricsColumn[] =>
  data.validation === null ? METRICS_COLUMNS : ALL_COLUMNS;

/** The row as metrics.csv has it. */
export function formatMetrics(row: MetricsRow): Row {
  const fields = ALL_COLUMNS.flatMap((column) => {
    const value = row[column];
    if (value === undefined) return [];
    return [[column, value === null ? '' : FORMATS[column](value)] as const];
  });
  return Object.fromEntries(fields);
}

/** The column that the best epoch is chosen by. */
export type BestBy = 'validation_accuracy' | 'test_accuracy';

/** Of the images held out for validation, where there are some. */
export const bestBy = ({ data }: Pick<Config, 'data'>): BestBy =>
  data.validation === null ? 'test_accuracy' : 'validation_accuracy';

/**
 * The first row with the highest accuracy, as it is written, so that all who ask agree; undefined
 * where there is none yet.
 */
export function bestRow(rows: readonly Row[], by: BestBy): Row | undefined {
  const best = Math.max(...rows.map((row) => Number(row[by])));
  return rows.find((row) => Number(row[by]) === best);
}

/**
 * What the steps of the epoch under way add up to: losses and correct answers over images, the rest
 * over steps.
 */
export const epochSumsSchema = z.strictObject({
  images: z.int(),
  steps: z.int(),
  loss: z.number(),
  correct: z.number(),
  originalCorrect: z.number(),
  perturbedLoss: z.number(),
  perturbedCorrect: z.number(),
  gradientNorm: z.number(),
  perturbationCosine: z.number(),
});
export type EpochSums = z.infer<typeof epochSumsSchema>;

export const NO_SUMS: EpochSums = {
  images: 0,
  steps: 0,
  loss: 0,
  correct: 0,
  originalCorrect: 0,
  perturbedLoss: 0,
  perturbedCorrect: 0,
  gradientNorm: 0,
  perturbationCosine: 0,
};

/** Whether a step has a second pass, at w + eps. */
export const hasTwoPasses = (optimizer: OptimizerConfig['name']): boolean =>
  OPTIMIZERS[optimizer].passes === 2;

/** What of a step there is to measure. */
export interface Measured {
  /** Whether it has a second pass, at w + eps. */
  readonly twoPasses: boolean;
  readonly labelNoise: boolean;
}

export function addStep(
  sums: EpochSums,
  result: StepResult,
  { twoPasses, labelNoise }: Measured,
): EpochSums {
  const { images } = result;
  return {
    images: sums.images + images,
    steps: sums.steps + 1,
    loss: sums.loss + result.loss * images,
    correct: sums.correct + result.correct,
    originalCorrect: sums.originalCorrect + (labelNoise ? result.originalCorrect : 0),
    perturbedLoss: sums.perturbedLoss + (twoPasses ? result.perturbedLoss * images : 0),
    perturbedCorrect: sums.perturbedCorrect + (twoPasses ? result.perturbedCorrect : 0),
    gradientNorm: sums.gradientNorm + result.gradientNorm,
    perturbationCosine: sums.perturbationCosine + (twoPasses ? result.perturbationCosine : 0),
  };
}

/** The number that is not finite, by the name the user knows it under; null where all are. */
export function notFinite(result: StepResult, twoPasses: boolean): [string, number] | null {
  const numbers: [string, number][] = [
    ['training loss', result.loss],
    ['gradient norm', result.gradientNorm],
  ];
  if (twoPasses) {
    numbers.push(['perturbed loss', result.perturbedLoss]);
    numbers.push(['perturbation cosine', result.perturbationCosine]);
  }
  return numbers.find(([, value]) => !Number.isFinite(value)) ?? null;
}

/** What the end of an epoch measures; `validation` only where images were held out for it. */
export interface Evaluations {
  readonly test: Evaluation;
  readonly validation?: Evaluation;
}

/** The best epoch so far, in percent. */
export interface Best {
  /** What it was chosen by, as it is written; null before the first epoch. */
  readonly chosenBy: number | null;
  readonly testAccuracy: number;
}

/** The row of an epoch whose steps are `sums`; `best` is that before it. */
export function metricsRow(
  position: { readonly epoch: number; readonly step: number; readonly learningRate: number },
  sums: EpochSums,
  { twoPasses, labelNoise }: Measured,
  { test, validation }: Evaluations,
  best: Best,
): MetricsRow {
  const { images, steps } = sums;
  const testAccuracy = accuracyOf(test);
  const chosenBy = Number(
    percent(validation === undefined ? testAccuracy : accuracyOf(validation)),
  );
  const isBest = best.chosenBy === null || chosenBy > best.chosenBy;
  return {
    epoch: position.epoch,
    step: position.step,
    learning_rate: position.learningRate,
    train_loss: sums.loss / images,
    train_accuracy: (100 * sums.correct) / images,
    train_accuracy_clean: labelNoise ? (100 * sums.originalCorrect) / images : null,
    perturbed_loss: twoPasses ? sums.perturbedLoss / images : null,
    perturbed_accuracy: twoPasses ? (100 * sums.perturbedCorrect) / images : null,
    ...(validation === undefined
      ? {}
      : { validation_loss: validation.loss, validation_accuracy: accuracyOf(validation) }),
    test_loss: test.loss,
    test_accuracy: testAccuracy,
    best_test_accuracy: isBest ? testAccuracy : best.testAccuracy,
    gradient_norm: sums.gradientNorm / steps,
    perturbation_cosine: twoPasses ? sums.perturbationCosine / steps : null,
  };
}

const accuracyOf = ({ correct, images }: Evaluation): number => (100 * correct) / images;
