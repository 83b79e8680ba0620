// The task of a configuration: the rows that its measures have in metrics.csv, and which of them is
// the best. All of it follows from the rows of tasks.ts.
import { required } from '../util/errors.js';
import { DATA_SETS } from './data-sets.js';
import type { Config } from './schema.js';
import {
  TASKS,
  type DataSetTrait,
  type TaskName,
  type TaskRow,
  type Trait,
  type TrainingWords,
  type Unit,
} from './tasks.js';

/** Measured in training steps. */
export interface TrainingRow extends TrainingWords {
  /** In metrics.csv: `train_loss`. */
  readonly column: string;
}

/** Measured of a whole set, without augmentation. */
export interface EvaluationRow<Split extends string = string> {
  readonly split: Split;
  /** What of it: `accuracy`. */
  readonly measure: string;
  /** `test_accuracy` */
  readonly column: string;
  /** `top-5 accuracy` */
  readonly called: string;
  /** `test top-5 accuracy` */
  readonly name: string;
  /** `test accuracies` */
  readonly plural: string;
  readonly tag: string;
  readonly unit: Unit;
  readonly console: boolean;
  /** Whether reports tell it beside what runs are judged by. */
  readonly reported: boolean;
  readonly needs?: Trait;
}

export type MeasureRow = TrainingRow | EvaluationRow;

export type RunTraits = Readonly<Record<Trait, boolean>>;

/** What of a configuration decides its task, and the columns of its numbers. */
export interface OfTask {
  readonly data: Pick<Config['data'], 'name' | 'validation'>;
}

/** A data set is of one task. */
export const taskNameOf = ({ data }: OfTask): TaskName => DATA_SETS[data.name].task;

/** The row of its task, with the evaluations that its data set has. */
export function taskOf({ data }: OfTask): TaskRow {
  const set: Readonly<Record<DataSetTrait, boolean>> = DATA_SETS[data.name];
  const row: TaskRow = TASKS[taskNameOf({ data })];
  const evaluation = Object.entries(row.evaluation).filter(
    ([, { of }]) => of === undefined || set[of],
  );
  return { ...row, evaluation: Object.fromEntries(evaluation) };
}

/** All measures, in the order of their columns. */
export const measureRows = (
  task: TaskRow,
): readonly (TrainingRow | EvaluationRow<'validation' | 'test'>)[] => [
  ...trainingRows(task),
  ...evaluationRows(task, 'validation'),
  ...evaluationRows(task, 'test'),
  ...withColumns(task.steps),
];

/** Of the passes. */
export const trainingRows = ({ training }: TaskRow): TrainingRow[] => withColumns(training);

const withColumns = (rows: Readonly<Record<string, TrainingWords>>): TrainingRow[] =>
  Object.entries(rows).map(([column, row]) => ({ column, ...row }));

/** What an evaluation of a set measures. */
export const evaluationRows = <Split extends string>(
  { evaluation }: TaskRow,
  split: Split,
): EvaluationRow<Split>[] =>
  Object.entries(evaluation).map(
    ([measure, { name = measure, unit, plural, console = true, reported = false }]) => ({
      split,
      measure,
      column: columnOver(split, measure),
      called: name,
      name: `${split} ${name}`,
      plural: `${split} ${plural}`,
      tag: `${split}/${measure}`,
      unit,
      console,
      reported,
      ...(split === 'validation' && { needs: 'validation' as const }),
    }),
  );

/** Of what an evaluation measures, the column that a set's has. */
export const columnOver = (split: string, measure: string): string => `${split}_${measure}`;

/** Whether such a run has the measure. */
export const applies = ({ needs }: Pick<MeasureRow, 'needs'>, run: RunTraits): boolean =>
  needs === undefined || run[needs];

/**
 * The measures that have a column in runs like that of `config`, and the columns that may be empty
 * there: those of what not each of them has.
 */
export function columnsOf(config: OfTask): {
  readonly measures: readonly MeasureRow[];
  readonly mayBeEmpty: readonly string[];
} {
  const validation = config.data.validation !== null;
  const measures = measureRows(taskOf(config)).filter((row) =>
    applies(row, { validation, climb: true, labelNoise: true }),
  );
  const least = { validation, climb: false, labelNoise: false };
  return {
    measures,
    mayBeEmpty: measures.filter((row) => !applies(row, least)).map(({ column }) => column),
  };
}

/** What makes an epoch the best, and a run better than another. */
export interface Best {
  readonly is: 'highest' | 'lowest';
  /** What it is chosen by: of the validation set, or of the test set where there is none. */
  readonly by: EvaluationRow<'validation' | 'test'>;
  readonly validation: EvaluationRow<'validation'>;
  /** What runs are judged by: the same of the test set. */
  readonly test: EvaluationRow<'test'>;
  /** That of the test set at the best epoch so far; its column is after that of `test`. */
  readonly soFar: { readonly column: string; readonly tag: string };
}

export function bestOf(config: OfTask): Best {
  const task = taskOf(config);
  const { measure, is } = task.best;
  const over = <Split extends string>(split: Split) =>
    required(
      evaluationRows(task, split).find((row) => row.measure === measure),
      `the measure ${measure}`,
    );
  const [validation, test] = [over('validation'), over('test')];
  return {
    is,
    by: config.data.validation === null ? test : validation,
    validation,
    test,
    soFar: { column: `best_${columnOver('test', measure)}`, tag: `test/best_${measure}` },
  };
}
