// What a sweep has come to: its overview, summary.csv, and the same as lines of text.
import { copyNotes, pointsOf } from '../report/points.js';
import { findRuns, readRuns } from '../report/runs.js';
import { summaryCsv } from '../report/summary.js';
import { printTable } from '../report/table.js';
import { writeOverview } from '../sweep/overview.js';

interface Overview {
  readonly lines: readonly string[];
  /** Why runs were left out of it, a line each. */
  readonly damaged: readonly string[];
}

/** Over the points that are done, whatever else their folder holds; writes the file where there are some. */
export async function overviewOf(folder: string): Promise<Overview> {
  if ((await findRuns(folder)).length === 0) return { lines: [], damaged: [] };
  const { runs, damaged } = await readRuns([folder]);
  if (runs.length === 0) return { lines: [], damaged };
  const points = pointsOf(runs);
  const path = await writeOverview(folder, summaryCsv(points));
  const lines = ['', ...printTable(points), ...copyNotes(points), '', `summary ${path}`];
  return { lines, damaged };
}
