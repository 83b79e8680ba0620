// What is measured: a row a number. The sums of an epoch, the columns of metrics.csv, what the console
// and TensorBoard show and the check that numbers are finite follow from the rows of a task. What a
// number is called stands in the catalogue, how it is computed here.
import type { EvaluationRow, MeasureRow, TrainingRow } from '../catalogue/task.js';
import { sumsOver, type Workers } from '../graph/workers.js';
import { nameScope } from '../native/scope.js';
import { tf, type Scalar, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import type { TypedArray } from '../native/types.js';
import type { Split } from '../data/dataset.js';
import type { Chosen } from '../optim/rule.js';
import { required } from '../util/errors.js';
import type { Targets } from './batch.js';

/** What one pass over a part of a batch gives. */
export interface Pass {
  /** Of the part's loss. [P] */
  readonly gradient: Tensor1D;
  /** Mean over the part's examples. */
  readonly loss: Scalar;
  /** What the task counts besides: sums over the part's examples. */
  readonly counted: Readonly<Record<string, Scalar>>;
  /** As they are after the pass. [S] */
  readonly statistics: Tensor1D;
}

/** A part of a batch, after its passes. */
export type Part = Chosen<Pass> & {
  /** Its share of the batch's examples; all parts' are 1 together. */
  readonly share: number;
};

/** What the passes of a training step found. */
export interface Found {
  /** Of the whole batch at w: the mean over its parts. [P] */
  readonly gradient: Tensor1D;
  readonly parts: readonly Part[];
}

/** Measured in every training step. */
export interface TrainingMeasure extends TrainingRow {
  /**
   * What a batch's number is, and so how those of many become one: a mean over its examples, their
   * sum, or one number a step.
   */
  readonly weight: 'mean' | 'sum' | 'step';
  /** What it is made of: each part's own, added up over the parts that there are, or vectors of the whole batch. */
  readonly from: 'parts' | 'batch';
  readonly of: (found: Found) => Scalar;
}

/** Measured over a whole set, without augmentation. */
export interface EvaluationMeasure extends EvaluationRow<Split> {
  readonly weight: 'sum';
  /** @param output of the network, [B ...] */
  readonly of: (output: Tensor, targets: Targets) => Scalar;
}

export type Measure = TrainingMeasure | EvaluationMeasure;

export const isTraining = (measure: Measure): measure is TrainingMeasure => !('split' in measure);

/** What a function of a session puts out of its measures: one vector, in their order. */
export const OUTPUT = 'measures';

/** What rows come to, as one vector: one fetch. */
export const measured = (numbers: () => Scalar[]): Tensor1D =>
  nameScope(OUTPUT, () => tf.stack(numbers()) as Tensor1D);

/**
 * The same of a training step, of which each worker has some parts.
 *
 * @param found by this worker
 * @param stop with several workers: 1 where this one has been asked to stop, which comes out summed after the rows
 */
export function measuredEverywhere(
  rows: readonly TrainingMeasure[],
  found: Found,
  workers: Workers | null,
  stop: Scalar | undefined,
): Tensor1D {
  if (workers === null) return measured(() => rows.map((row) => row.of(found)));
  return nameScope(OUTPUT, () => {
    // What all have counts once.
    const numbers = rows.map((row) =>
      row.from === 'batch' && workers.index > 0 ? tf.scalar(0) : row.of(found),
    );
    const told = [...numbers, required(stop, 'whether to stop')];
    const [sums] = sumsOver(workers, [tf.stack(told) as Tensor1D]);
    return required(sums, 'sums');
  });
}

/** Numbers by column. */
export type Numbers = Readonly<Record<string, number>>;

/** The numbers of such a vector. */
export const byColumn = (
  rows: readonly Pick<MeasureRow, 'column'>[],
  vector: TypedArray,
): Numbers =>
  Object.fromEntries(
    rows.map(({ column }, i) => [column, required(vector[i], `the measure ${column}`)]),
  );

/** The mean of `count` things that add up to `total`, in the unit of its measure. */
export function inUnit({ unit }: Pick<MeasureRow, 'unit'>, total: number, count: number): number {
  switch (unit) {
    case 'number':
      return total / count;
    case 'percent':
      return (100 * total) / count;
    case 'perplexity':
      return Math.exp(total / count);
    default:
      return unit satisfies never;
  }
}

// What rows are made of

/** The mean over the batch of what is a mean over each part. */
export const meanOf = (parts: readonly Part[], value: (part: Part) => Scalar): Scalar =>
  added(
    parts.map((part) =>
      part.share === 1 ? value(part) : tf.mul<Scalar>(value(part), tf.scalar(part.share)),
    ),
  );

/** The sum over the batch of what is a sum over each part. */
export const sumOf = (parts: readonly Part[], value: (part: Part) => Scalar): Scalar =>
  added(parts.map(value));

const added = (terms: readonly Scalar[]): Scalar =>
  terms.reduce((sum, term) => tf.add<Scalar>(sum, term));
