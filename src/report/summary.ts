// summary.csv and time.csv: one row a point.
import { csvText } from '../util/csv.js';
import type { Unit } from '../catalogue/tasks.js';
import { formatOf } from '../experiment/metrics.js';
import type { Scores } from '../experiment/summary.js';
import { speedColumn } from '../experiment/timing.js';
import { examplesOf, judgedBy, toldBesides, valuesBesides } from './judged.js';
import { missingSeeds, scoresOf, seedsIn, validationOf, type Point } from './points.js';
import { describe, mean } from './statistics.js';
import { decimals } from '../util/digits.js';

const SCORES: readonly (readonly [name: string, score: keyof Scores])[] = [
  ['last', 'last'],
  ['best', 'best'],
  ['last10', 'lastTen'],
];
const NUMBERS = ['mean', 'std', 'median', 'min', 'max'] as const;

/**
 * What runs are judged by, in its unit: after the last epoch, the best, and the mean of the last ten
 * epochs. Where images were held out for validation, the same of them at the best epoch; and, after the last epoch, what
 * is told besides, such as `last_perplexity`.
 * `seeds_missing`: those that another point has, and a comparison with it leaves out.
 * No time is in it, so that the same results give the same bytes.
 */
export function summaryCsv(points: readonly Point[]): string {
  const keys = [...new Set(points.flatMap(({ details }) => [...details.keys()]))];
  const validation = points.some((point) => validationOf(point) !== null);
  const { unit } = judgedBy(points).test;
  const besides = toldBesides(points);
  const names = [
    ...SCORES.map(([name]) => name),
    ...(validation ? ['validation_at_best'] : []),
    ...besides.map(({ measure }) => `last_${measure}`),
  ];
  const header = [
    'point',
    ...keys,
    'n',
    'seeds',
    ...names.flatMap((name) => [
      ...NUMBERS.map((number) => `${name}_${number}`),
      `${name}_by_seed`,
    ]),
    'seeds_missing',
  ];
  const rows = points.map((point) => [
    point.label,
    ...keys.map((key) => fieldOf(point.details.get(key))),
    String(point.runs.length),
    seedsOf(point),
    ...SCORES.flatMap(([, score]) => numbersOf(scoresOf(point, score), unit)),
    ...(validation ? numbersOf(validationOf(point), unit) : []),
    ...besides.flatMap((row) => numbersOf(valuesBesides(point, row), row.unit)),
    missingSeeds(point, points).join(' '),
  ]);
  return csvText(header, rows);
}

/** The NUMBERS of such values, and the values; empty fields where there are none. */
function numbersOf(values: readonly number[] | null, unit: Unit): string[] {
  if (values === null || values.length === 0) return [...NUMBERS, 'by_seed'].map(() => '');
  const described = describe(values);
  const field = (value: number | null): string => (value === null ? '' : formatOf(unit)(value));
  return [...NUMBERS.map((number) => field(described[number])), values.map(field).join(' ')];
}

/** What the runs took; another machine has other numbers. */
export function timeCsv(points: readonly Point[]): string {
  const speed = speedColumn({ examples: examplesOf(points) });
  const header = ['point', 'n', 'parameters', 'seconds_mean', 'seconds_total', speed];
  const rows = points.map(({ label, runs }) => {
    const seconds = runs.map((run) => run.seconds);
    const total = seconds.reduce((sum, value) => sum + value, 0);
    return [
      label,
      String(runs.length),
      String(runs[0].parameters),
      decimals(mean(seconds), 1),
      decimals(total, 1),
      decimals(mean(runs.map((run) => run.imagesPerSecond)), 1),
    ];
  });
  return csvText(header, rows);
}

/** The keys that tell the points apart, in their order. */
export const keysOf = (points: readonly Point[]): string[] => [
  ...new Set(points.flatMap(({ values }) => [...values.keys()])),
];

export const seedsOf = (point: Point): string => seedsIn(point).join(' ');

const fieldOf = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
