// The table of what was analysed of the runs of each point.
import type { Point } from './points.js';
import { describe } from './statistics.js';
import type { Cells } from './table.js';

/** A row a number, whose title is long: means over the seeds that were analysed; null where none was. */
export function analysisCells(points: readonly Point[]): Cells | null {
  const titles = [
    ...new Set(points.flatMap(({ runs }) => runs.flatMap(({ analyses }) => Object.keys(analyses)))),
  ];
  if (titles.length === 0) return null;
  const rows = titles.map((title) => [
    title,
    ...points.map(({ runs }) =>
      meanAndStd(
        runs.flatMap(({ analyses: { [title]: value } }) => (value === undefined ? [] : [value])),
      ),
    ),
  ]);
  return [['number', ...points.map(({ label }) => label)], ...rows];
}

/** `12.34 ± 0.56 (n = 3)` */
function meanAndStd(values: readonly number[]): string {
  if (values.length === 0) return '';
  const { mean, std, n } = describe(values);
  const spread = std === null ? '' : ` \u00b1 ${std.toPrecision(2)}`;
  return `${mean.toPrecision(4)}${spread} (n = ${n})`;
}
