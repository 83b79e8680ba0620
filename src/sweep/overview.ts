// The overview of a sweep: summary.csv in its folder, a row for each point that is done.
import { join } from 'node:path';
import { writeFileAtomically } from '../util/atomic-file.js';
import { claimFiles, ownedFiles, refuseStrangers } from '../util/owned-files.js';
import { readPlan } from './plan-file.js';

const OVERVIEW = 'summary.csv';

/** Refuses a summary.csv that is not ours, before a sweep begins. */
export async function refuseOthersOverview(folder: string): Promise<void> {
  const owned = await ownedFiles(folder);
  await refuseStrangers(folder, [OVERVIEW], owned ?? (await knownIn(folder)));
}

/** Returns its path. */
export async function writeOverview(folder: string, csv: string): Promise<string> {
  await claimFiles(folder, [OVERVIEW], await knownIn(folder));
  const path = join(folder, OVERVIEW);
  await writeFileAtomically(path, csv);
  return path;
}

/** Sweeps of earlier versions kept no list; their plan tells them. */
async function knownIn(folder: string): Promise<ReadonlySet<string>> {
  const isOlder = (await ownedFiles(folder)) === null && (await readPlan(folder)) !== null;
  return new Set(isOlder ? [OVERVIEW] : []);
}
