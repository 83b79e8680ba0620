// What the runs of a report are judged by, in words and in digits.
import type { Config } from '../catalogue/schema.js';
import {
  bestOf,
  evaluationRows,
  taskOf,
  type Best,
  type EvaluationRow,
} from '../catalogue/task.js';
import type { Unit } from '../catalogue/tasks.js';
import { decimals } from '../util/digits.js';
import { required } from '../util/errors.js';
import type { Point } from './points.js';
import { lastNumber } from './runs.js';

/** All points are of one task. */
const configOf = ([point]: readonly Point[]): Config => required(point, 'a point').runs[0].config;

export const judgedBy = (points: readonly Point[]): Best => bestOf(configOf(points));

/** What is told of the test set beside that, after the last epoch: `perplexity`. */
export const toldBesides = (points: readonly Point[]): EvaluationRow<'test'>[] =>
  evaluationRows(taskOf(configOf(points)), 'test').filter(({ reported }) => reported);

/** Its values, in the order of the seeds, of those runs that measured it. */
export const valuesBesides = (
  { runs }: Point,
  { column }: Pick<EvaluationRow, 'column'>,
): number[] => runs.flatMap(({ epochs }) => lastNumber(epochs, column) ?? []);

/** What their task calls its examples: `images`. */
export const examplesOf = (points: readonly Point[]): string => taskOf(configOf(points)).examples;

/** `last (%)` */
export const withUnit = (words: string, unit: Unit): string =>
  unit === 'percent' ? `${words} (%)` : words;

/** In tables for people. */
export const shown = (value: number, unit: Unit): string =>
  unit === 'percent' ? value.toFixed(2) : decimals(value, 4);
