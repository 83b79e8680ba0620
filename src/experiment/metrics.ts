// The rows of metrics.csv: everything measured that is the same for the same command. Their columns
// are those of the task's measures, with the position before them and the best so far between.
import type { Config } from '../catalogue/schema.js';
import type { Evaluation } from '../session/engine.js';
import { isTraining, type Measure, type Numbers } from '../session/measure.js';
import { BEST, columnsOf } from '../tasks/classification.js';
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

/** The test set's number at the best epoch so far; what is best, `bestBy` tells. */
export const BEST_TEST = `best_test_${BEST.name}`;
const TEST = `test_${BEST.name}`;

/** What reports and curves read of every run; all versions have written it. */
const READ = ['epoch', 'step', 'train_loss', 'train_accuracy', 'test_loss', TEST, BEST_TEST];

/** What of a configuration decides the columns. */
interface Validated {
  readonly data: Pick<Config['data'], 'validation'>;
}

const measuresOf = ({ data }: Validated) => columnsOf({ validation: data.validation !== null });

function columns(config: Validated): Column[] {
  return [
    ...POSITION,
    ...measuresOf(config).measures.flatMap(({ column, unit }) => {
      const format = unit === 'percent' ? percent : digits;
      const own = { name: column, format };
      return column === TEST ? [own, { name: BEST_TEST, format }] : [own];
    }),
  ];
}

/** Their names. */
export const metricsColumns = (config: Validated): string[] =>
  columns(config).map(({ name }) => name);

/** The columns of the metrics.csv of such a run. */
export const metricsTable = (config: Validated): Columns => ({
  all: metricsColumns(config),
  optional: measuresOf(config).mayBeEmpty,
  needed: [...READ, bestBy(config)],
});

/** The row as metrics.csv has it. */
export function formatMetrics(config: Validated, numbers: EpochNumbers): Row {
  const fields = columns(config).map(({ name, format }) => {
    const value = numbers[name] ?? null;
    return [name, value === null ? '' : format(value)] as const;
  });
  return Object.fromEntries(fields);
}

/** The column that the best epoch is chosen by. */
export type BestBy = `${'validation' | 'test'}_${typeof BEST.name}`;

/** Of the images held out for validation, where there are some. */
export const bestBy = ({ data }: Validated): BestBy =>
  `${data.validation === null ? 'test' : 'validation'}_${BEST.name}`;

/**
 * The first row with the best number, as it is written, so that all who ask agree; undefined where
 * there is none yet.
 */
export function bestRow(rows: readonly Row[], by: BestBy): Row | undefined {
  return rows.reduce<Row | undefined>(
    (best, row) => (best === undefined || outranks(Number(row[by]), Number(best[by])) ? row : best),
    undefined,
  );
}

const outranks = (value: number, best: number): boolean =>
  BEST.is === 'highest' ? value > best : value < best;

/** What the end of an epoch measures; `validation` only where images were held out for it. */
export interface Evaluations {
  readonly test: Evaluation;
  readonly validation?: Evaluation;
}

/** The best epoch so far. */
export interface Best {
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
 * The numbers of an epoch whose steps are `sums`; `best` is that before it.
 *
 * @param measures those that apply to the run
 */
export function epochNumbers(
  { epoch, step, learningRate }: Position,
  sums: EpochSums,
  measures: readonly Measure[],
  { test, validation }: Evaluations,
  best: Best,
): EpochNumbers {
  const trained = measures
    .filter(isTraining)
    .map((row) => [row.column, meanSoFar(row, sums)] as const);
  const by = `${validation === undefined ? 'test' : 'validation'}_${BEST.name}`;
  const chosenBy = required((validation ?? test).numbers[by], by);
  const testNow = required(test.numbers[TEST], TEST);
  const isBest = best.chosenBy === null || outranks(Number(percent(chosenBy)), best.chosenBy);
  return {
    epoch,
    step,
    learning_rate: learningRate,
    ...Object.fromEntries(trained),
    ...validation?.numbers,
    ...test.numbers,
    [BEST_TEST]: isBest ? testNow : best.test,
  };
}

/** What was measured at w, before what follows from it: the order in which a fault is looked for. */
export const byCause = (measures: readonly Measure[]): Measure[] =>
  [true, false].flatMap((atW) => measures.filter(({ tag }) => tag.startsWith('train/') === atW));

/** The first of the measures whose number is not finite, by its name; null where all are. */
export function notFinite(
  measures: readonly Measure[],
  numbers: Numbers,
): [name: string, value: number] | null {
  for (const { column, name } of measures) {
    const value = numbers[column];
    if (value !== undefined && !Number.isFinite(value)) return [name, value];
  }
  return null;
}
