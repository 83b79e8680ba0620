// What a sweep has come to: summary.csv in its folder, and the same as lines of text.
import { join } from 'node:path';
import { readPlan } from '../sweep/plan-file.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { claimFiles, ownedFiles, refuseStrangers } from '../util/owned-files.js';

const SUMMARY = 'summary.csv';

/** Refuses a summary.csv that is not ours, before a sweep begins. */
export async function refuseOthersSummary(folder: string): Promise<void> {
  const owned = await ownedFiles(folder);
  await refuseStrangers(folder, [SUMMARY], owned ?? (await knownIn(folder)));
}

/** Sweeps of earlier versions kept no list; their plan tells them. */
async function knownIn(folder: string): Promise<ReadonlySet<string>> {
  const isOlder = (await ownedFiles(folder)) === null && (await readPlan(folder)) !== null;
  return new Set(isOlder ? [SUMMARY] : []);
}

interface SweepSummary {
  readonly lines: readonly string[];
  /** Why runs were left out of it, a line each. */
  readonly damaged: readonly string[];
}

/** Over the points that are done, whatever else their folder holds. */
export async function writeSummary(folder: string): Promise<SweepSummary> {
  const { findRuns, readRuns } = await import('../report/runs.js');
  const { copyNotes, summarise } = await import('../report/points.js');
  const { summaryCsv } = await import('../report/summary.js');
  const { printTable } = await import('../report/table.js');
  if ((await findRuns(folder)).length === 0) return { lines: [], damaged: [] };
  const { runs, damaged } = await readRuns([folder]);
  if (runs.length === 0) return { lines: [], damaged };
  const points = summarise(runs);
  await claimFiles(folder, [SUMMARY], await knownIn(folder));
  const path = join(folder, SUMMARY);
  await writeFileAtomically(path, summaryCsv(points));
  const lines = ['', ...printTable(points), ...copyNotes(points), '', `summary ${path}`];
  return { lines, damaged };
}
