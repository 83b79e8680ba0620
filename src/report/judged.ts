// What the runs of a report are judged by, in words and in digits.
import { bestOf, taskOf, type Best } from '../catalogue/task.js';
import type { Unit } from '../catalogue/tasks.js';
import { decimals } from '../util/digits.js';
import { required } from '../util/errors.js';
import type { Point } from './points.js';

/** All points are of one task. */
export const judgedBy = ([point]: readonly Point[]): Best =>
  bestOf(required(point, 'a point').runs[0].config);

/** What their task calls its examples: `images`. */
export const examplesOf = ([point]: readonly Point[]): string =>
  taskOf(required(point, 'a point').runs[0].config).examples;

/** `last (%)` */
export const withUnit = (words: string, unit: Unit): string =>
  unit === 'percent' ? `${words} (%)` : words;

/** In tables for people. */
export const shown = (value: number, unit: Unit): string =>
  unit === 'percent' ? value.toFixed(2) : decimals(value, 4);
