// What a sweep has come to: summary.csv in its folder, and the same as lines of text.
import { join } from 'node:path';
import { writeFileAtomically } from '../util/atomic-file.js';

/** Over the points that are done, whatever else their folder holds. */
export async function writeSummary(folder: string): Promise<string[]> {
  const { findRuns, readRuns } = await import('../report/runs.js');
  const { summarise } = await import('../report/points.js');
  const { summaryCsv } = await import('../report/summary.js');
  const { printTable } = await import('../report/table.js');
  if ((await findRuns(folder)).length === 0) return [];
  const { runs } = await readRuns([folder]);
  if (runs.length === 0) return [];
  const points = summarise(runs);
  const path = join(folder, 'summary.csv');
  await writeFileAtomically(path, summaryCsv(points));
  return ['', ...printTable(points), '', `summary ${path}`];
}
