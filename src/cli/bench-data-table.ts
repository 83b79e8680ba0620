// The tables that `fsam bench --data-only` prints.
import { alignedColumns, threeDigits } from './columns.js';
import {
  FSAM,
  medianFigure,
  medianRatio,
  PARTS,
  PARTS_SIDE,
  RATE,
  sideName,
  STEP_SIDE,
  type Rounds,
} from './bench-data-sides.js';
import { hasFailed, type Row } from './bench-turns.js';

type Rows = readonly Row<Rounds>[];

const outcomeOf = (rows: Rows, name: string) => rows.find((row) => row.name === name)?.outcome;

/**
 * Images a second by number of workers, a row for each way, and as rows below how many times as many fsam
 * reads as each of the others, and as a training step takes in: the medians over rounds, in each of which
 * the sides met the same; null where no way was timed.
 *
 * @param others the ways beside fsam's
 */
export function ratesTable(
  rows: Rows,
  workers: readonly number[],
  others: readonly string[],
): string | null {
  const rateOf = (way: string, count: number): number | undefined =>
    medianFigure(outcomeOf(rows, sideName(way, count)), RATE);
  const cellsOf = (way: string) =>
    workers.map((count) => {
      const outcome = outcomeOf(rows, sideName(way, count));
      if (outcome !== undefined && hasFailed(outcome)) return 'failed';
      const rate = rateOf(way, count);
      return rate === undefined ? '-' : threeDigits(rate);
    });
  const ratiosTo = (nameOf: (count: number) => string) =>
    workers.map((count) => {
      const own = outcomeOf(rows, sideName(FSAM, count));
      const ratio = medianRatio(own, outcomeOf(rows, nameOf(count)));
      return ratio === undefined ? '-' : `${ratio.toFixed(2)}x`;
    });
  const ways = [FSAM, ...others].filter((way) => cellsOf(way).some((cell) => cell !== '-'));
  if (ways.length === 0) return null;
  return alignedColumns([
    ['images/s, by workers', ...workers.map(String)],
    ...ways.map((way) => [way, ...cellsOf(way)]),
    ...ways
      .filter((way) => way !== FSAM)
      .map((way) => [`${FSAM} / ${way}`, ...ratiosTo((count) => sideName(way, count))]),
    ...(medianFigure(outcomeOf(rows, STEP_SIDE), RATE) === undefined
      ? []
      : [[`${FSAM} / what a step takes in`, ...ratiosTo(() => STEP_SIDE)]]),
  ]);
}

/** Milliseconds an image of each part; null where they were not timed. */
export function partsTable(rows: Rows): string | null {
  const times = PARTS.map((part) => medianFigure(outcomeOf(rows, PARTS_SIDE), part));
  if (times.some((time) => time === undefined)) return null;
  const all = times.reduce<number>((sum, time) => sum + (time ?? 0), 0);
  const cells = (time: number) => [time.toFixed(3), `${((100 * time) / all).toFixed(1)} %`];
  return alignedColumns([
    ['part', 'ms an image', 'share'],
    ...PARTS.map((part, i) => [part, ...cells(times[i] ?? 0)]),
    ['all', ...cells(all)],
  ]);
}
