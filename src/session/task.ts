// What is learnt: how a batch is made ready, what its loss is, and what is measured of it.
import type { Config } from '../catalogue/schema.js';
import type { RunTraits } from '../catalogue/task.js';
import type { DatasetShape, Split } from '../data/dataset.js';
import type { Tensors, TensorTypes, Values } from '../graph/program.js';
import type { Scalar, Tensor } from '../native/tensorflow.js';
import type { Batch, Targets } from './batch.js';
import type { EvaluationMeasure, Measure } from './measure.js';

export interface Task {
  /** The draws that a training batch of `size` examples is fed. */
  readonly drawn: (size: number) => TensorTypes;
  /** Their values at a step (from 0, over the whole run): of nothing else. */
  readonly draw: (step: number, size: number) => Values;
  /** Traced: what a source gathered, changed at random for training. */
  readonly augmented: (examples: Tensors, draws: Tensors) => Batch;
  /** Traced: what a source gathered, as it is. */
  readonly plain: (examples: Tensors) => Batch;
  /**
   * Traced: what training descends, a mean over the batch.
   *
   * @param output of the network, [B ...]
   */
  readonly loss: (output: Tensor, targets: Targets) => Scalar;
  /** Traced: sums over the examples of a training pass, for its measures. */
  readonly count: (output: Tensor, targets: Targets) => Readonly<Record<string, Scalar>>;
  /** Of a run, those that apply, in the order of their columns. */
  readonly measures: readonly Measure[];
  /** Of an evaluation of any set, whether or not a run makes it. */
  readonly evaluated: (split: Split) => readonly EvaluationMeasure[];
}

/** The task of such a configuration over such a data set, for runs with these traits. */
export type CreateTask = (config: Config, shape: DatasetShape, run: RunTraits) => Task;
