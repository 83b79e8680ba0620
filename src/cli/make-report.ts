// What `fsam report` does: tables and figures of finished runs, and a word on what was left out.
import { basename, join, resolve } from 'node:path';
import { copyNotes } from '../report/points.js';
import { printTable } from '../report/table.js';
import { writeReport } from '../report/write.js';
import { counted } from '../util/counted.js';
import { RunError, UserError } from '../util/errors.js';
import { print, tell } from './output.js';

export interface ReportOptions {
  readonly out?: string;
}

/** Errors: RunError where runs were left out, each of which is named before it. */
export function refuseDamaged(damaged: readonly string[]): void {
  if (damaged.length === 0) return;
  for (const reason of damaged) tell(`left out: ${reason}`);
  throw new RunError(`${counted(damaged.length, 'damaged run')} left out (see above)`);
}

export async function makeReport(paths: readonly string[], { out }: ReportOptions): Promise<void> {
  const [first = ''] = paths;
  if (out === '') throw new UserError('--out: got an empty name, wanted a folder');
  if (out === undefined && paths.length > 1) {
    throw new UserError('--out: missing, wanted the folder for the report on several paths');
  }
  const folder = out ?? join(first, 'report');
  const command = ['bin/fsam', 'report', ...paths, ...(out === undefined ? [] : ['--out', out])];
  const title = paths.map((path) => basename(resolve(path))).join(', ');
  const { points, files, unfinished, damaged } = await writeReport({
    paths,
    title: `fsam report: ${title}`,
    folder,
    command: command.join(' '),
  });
  if (unfinished.length > 0) {
    tell(`${counted(unfinished.length, 'unfinished run')} left out: ${unfinished.join(', ')}`);
  }
  for (const note of copyNotes(points)) tell(note);
  for (const line of printTable(points)) print(line);
  print('');
  for (const file of files) print(file);
  refuseDamaged(damaged);
}
