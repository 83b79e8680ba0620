// What is measured of a task: its rows of the catalogue, each with how its numbers are computed; and
// what is computed alike for all tasks.
import {
  applies,
  evaluationRows,
  measureRows,
  type EvaluationRow,
  type RunTraits,
  type TrainingRow,
} from '../catalogue/task.js';
import { TRAIN_LOSS, type TaskRow } from '../catalogue/tasks.js';
import type { Split } from '../data/dataset.js';
import { tf, type Scalar } from '../native/tensorflow.js';
import { cosine, norm } from '../optim/vector.js';
import {
  meanOf,
  type EvaluationMeasure,
  type Found,
  type Part,
  type TrainingMeasure,
} from '../session/measure.js';
import type { Task } from '../session/task.js';
import { required } from '../util/errors.js';

/** Of what the passes of a step found. */
type OfStep = (found: Found) => Scalar;

interface OfPasses {
  /** Of a batch: a mean over its examples, or their sum. */
  readonly weight: 'mean' | 'sum';
  readonly of: OfStep;
}

interface OfSteps {
  /** What it is made of: each part's own, which workers have some of, or vectors of the whole batch, which all have. */
  readonly from: 'parts' | 'batch';
  readonly of: OfStep;
}

type OfEvaluation = (...of: [...Parameters<EvaluationMeasure['of']>, split: Split]) => Scalar;

/** How every measure of a task is computed; all of it is traced. */
export interface Traced<Row extends TaskRow = TaskRow> {
  readonly training: Readonly<Record<keyof Row['training'], OfPasses>>;
  /** Sums over the examples of a batch. */
  readonly evaluation: Readonly<Record<keyof Row['evaluation'], OfEvaluation>>;
  readonly steps: Readonly<Record<keyof Row['steps'], OfSteps>>;
}

/** The measures of the task in such a run, and those of its evaluations. */
export function measuresOf<Row extends TaskRow>(
  row: Row,
  traced: Traced<Row>,
  run: RunTraits,
): Pick<Task, 'measures' | 'evaluated'> {
  const { training, evaluation, steps }: Traced = traced;
  const trained = (words: TrainingRow): TrainingMeasure => {
    const { column } = words;
    const ofPasses = training[column];
    if (ofPasses !== undefined) return { ...words, ...ofPasses, from: 'parts' };
    return { ...words, weight: 'step', ...required(steps[column], `how ${column} is computed`) };
  };
  const evaluated = (words: EvaluationRow<Split>): EvaluationMeasure => {
    const of = required(evaluation[words.measure], `how ${words.column} is computed`);
    return { ...words, weight: 'sum', of: (output, targets) => of(output, targets, words.split) };
  };
  return {
    measures: measureRows(row)
      .filter((words) => applies(words, run))
      .map((words) => ('split' in words ? evaluated(words) : trained(words))),
    evaluated: (split) => evaluationRows(row, split).map(evaluated),
  };
}

/** Of a part that was climbed from. */
export const perturbed = ({ perturbed: climbed }: Part) => required(climbed, 'the pass at w + eps');

/** Of the climb direction and the gradient at w; 1 where that is the direction. */
function climbCosine(part: Part): Scalar {
  const { direction } = perturbed(part);
  const { gradient } = part.first;
  return direction === gradient ? tf.scalar(1) : cosine(direction, gradient);
}

/** What is descended, at w and at w + eps. */
export const LOSSES = {
  [TRAIN_LOSS]: { weight: 'mean', of: ({ parts }) => meanOf(parts, ({ first }) => first.loss) },
  perturbed_loss: {
    weight: 'mean',
    of: ({ parts }) => meanOf(parts, (part) => perturbed(part).pass.loss),
  },
} as const satisfies Readonly<Record<string, OfPasses>>;

/** Of every task's steps. */
export const STEPS = {
  // The L2 norm of the gradient at w.
  gradient_norm: { from: 'batch', of: ({ gradient }) => norm(gradient) },
  perturbation_cosine: { from: 'parts', of: ({ parts }) => meanOf(parts, climbCosine) },
} as const satisfies Readonly<Record<string, OfSteps>>;
