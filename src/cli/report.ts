// fsam report: tables and figures of finished runs.
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../util/counted.js';
import { RunError, UserError } from '../util/errors.js';
import { print, tell } from './output.js';

const HELP = `
Runs that differ in nothing but their seed are one point. Files: summary.csv, time.csv, table.md, table.tex, the figures
as SVG and PNG, and index.html with all of it on one page.`;

export function registerReport(program: Command): void {
  program
    .command('report')
    .description('Makes tables and figures of finished runs.')
    .argument('<path...>', 'run folders, or folders above some, such as that of a sweep')
    .option('--out <folder>', 'where the files go (default: PATH/report)')
    .addHelpText('after', HELP)
    .action(report);
}

/** Errors: RunError where runs were left out, each of which is named before it. */
export function refuseDamaged(damaged: readonly string[]): void {
  if (damaged.length === 0) return;
  for (const reason of damaged) tell(`left out: ${reason}`);
  throw new RunError(`${counted(damaged.length, 'damaged run')} left out (see above)`);
}

async function report(paths: readonly string[], { out }: { readonly out?: string }): Promise<void> {
  const [first = ''] = paths;
  if (out === '') throw new UserError('--out: got an empty name, wanted a folder');
  if (out === undefined && paths.length > 1) {
    throw new UserError('--out: missing, wanted the folder for the report on several paths');
  }
  const { writeReport } = await import('../report/write.js');
  const { copyNotes } = await import('../report/points.js');
  const { printTable } = await import('../report/table.js');
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
    tell(`${unfinished.length} unfinished runs left out: ${unfinished.join(', ')}`);
  }
  for (const note of copyNotes(points)) tell(note);
  for (const line of printTable(points)) print(line);
  print('');
  for (const file of files) print(file);
  refuseDamaged(damaged);
}
