// The rows of metrics.csv: everything measured that is the same for the same command. Their columns
// are those of the task's measures, with the position before them and the best so far between.
import { bestOf, columnsOf, type Best, type MeasureRow, type OfTask } from '../catalogue/task.js';
import { TRAIN_LOSS, type Unit } from '../catalogue/tasks.js';
import type { Evaluation } from '../session/evaluation.js';
import { isTraining, type Measure, type Numbers } from '../session/measure.js';
import { required } from '../util/errors.js';
import { meanSoFar, type EpochSums } from './sums.js';
import type { Columns, Row } from './table.js';

/** The numbers of an epoch by column; null where one does not apply to the run. */
export type EpochNumbers = Readonly<Record<string, number | null>>;

interface Column {
  readonly name: string;
  /** 7 digits, about what float32 has, or 0.001 %. */
  readonly format: (value: number) => string;
}

const digits = (value: number): string => value.toPrecision(7);
const percent = (value: number): string => value.toFixed(3);

/** Epochs from 1; steps done, over the whole run; the rate of the epoch's last step. */
const POSITION: readonly Column[] = [
  { name: 'epoch', format: String },
  { name: 'step', format: String },
  { name: 'learning_rate', format: digits },
];

function columns(config: OfTask): Column[] {
  const { test, soFar } = bestOf(config);
  return [
    ...POSITION,
    ...columnsOf(config).measures.flatMap(({ column, unit }) => {
      const format = formatOf(unit);
      const own = { name: column, format };
      return column === test.column ? [own, { name: soFar.column, format }] : [own];
    }),
  ];
}

/** How numbers of this unit stand in files. */
export const formatOf = (unit: Unit): Column['format'] => (unit === 'percent' ? percent : digits);

/** Their names. */
export const metricsColumns = (config: OfTask): string[] => columns(config).map(({ name }) => name);

/** The columns of the metrics.csv of such a run. */
export const metricsTable = (config: OfTask): Columns => ({
  all: metricsColumns(config),
  optional: columnsOf(config).mayBeEmpty,
  needed: neededColumns(config),
});

/** Without these a row tells nothing; whatever else a former version did not measure is empty. */
function neededColumns(config: OfTask): string[] {
  const { test, by, soFar } = bestOf(config);
  return [...new Set(['epoch', 'step', TRAIN_LOSS, test.column, soFar.column, by.column])];
}

/** The row as metrics.csv has it. */
export function formatMetrics(config: OfTask, numbers: EpochNumbers): Row {
  const fields = columns(config).map(({ name, format }) => {
    const value = numbers[name] ?? null;
    return [name, value === null ? '' : format(value)] as const;
  });
  return Object.fromEntries(fields);
}

/**
 * The first row with the best number, as it is written, so that all who ask agree; undefined where
 * there is none yet.
 */
export function bestRow(rows: readonly Row[], best: Best): Row | undefined {
  const number = (row: Row): number => Number(row[best.by.column]);
  return rows.reduce<Row | undefined>(
    (first, row) =>
      first === undefined || outranks(best, number(row), number(first)) ? row : first,
    undefined,
  );
}

const outranks = ({ is }: Best, value: number, other: number): boolean =>
  is === 'highest' ? value > other : value < other;

/** What the end of an epoch measures; `validation` only where images were held out for it. */
export interface Evaluations {
  readonly test: Evaluation;
  readonly validation?: Evaluation;
}

/** The best epoch so far. */
export interface BestEpoch {
  /** What it was chosen by, as it is written; null before the first epoch. */
  readonly chosenBy: number | null;
  /** Of the test set at that epoch. */
  readonly test: number;
}

export interface Position {
  readonly epoch: number;
  readonly step: number;
  readonly learningRate: number;
}

/**
 * The numbers of an epoch whose steps are `sums`; `before` it, that was the best.
 *
 * @param measures those that apply to the run
 */
export function epochNumbers(
  config: OfTask,
  { epoch, step, learningRate }: Position,
  sums: EpochSums,
  measures: readonly Measure[],
  { test, validation }: Evaluations,
  before: BestEpoch,
): EpochNumbers {
  const trained = measures
    .filter(isTraining)
    .map((row) => [row.column, meanSoFar(row, sums)] as const);
  const best = bestOf(config);
  const { column, unit } = best.by;
  const chosenBy = Number(
    formatOf(unit)(required({ ...validation?.numbers, ...test.numbers }[column], column)),
  );
  const testNow = required(test.numbers[best.test.column], best.test.column);
  const isBest = before.chosenBy === null || outranks(best, chosenBy, before.chosenBy);
  return {
    epoch,
    step,
    learning_rate: learningRate,
    ...Object.fromEntries(trained),
    ...validation?.numbers,
    ...test.numbers,
    [best.soFar.column]: isBest ? testNow : before.test,
  };
}

/** What was measured at w, before what follows from it: the order in which a fault is looked for. */
export const byCause = (measures: readonly MeasureRow[]): MeasureRow[] =>
  [true, false].flatMap((atW) => measures.filter(({ tag }) => tag.startsWith('train/') === atW));

/** The first of the measures whose number is not finite, by its name; null where all are. */
export function notFinite(
  measures: readonly MeasureRow[],
  numbers: Numbers,
): [name: string, value: number] | null {
  for (const { column, name } of measures) {
    const value = numbers[column];
    if (value !== undefined && !Number.isFinite(value)) return [name, value];
  }
  return null;
}
