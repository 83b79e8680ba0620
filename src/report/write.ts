// The door of this folder: a report from run folders to files.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import { acquireLock } from '../util/lock.js';
import { claimFiles, ownedFiles, removeFiles } from '../util/owned-files.js';
import { readTextIfThere } from '../util/text-file.js';
import { analysisCells } from './analysis-cells.js';
import { compareOptimizers } from './comparisons.js';
import { figuresOf, isFigureName } from './figures.js';
import { renderPage } from './page.js';
import { pointsOf, type Point } from './points.js';
import { renderPng, renderSvg } from '../figures/render.js';
import { readRuns } from './runs.js';
import { summaryCsv, timeCsv } from './summary.js';
import { scoreCells, comparisonCells, latexTable, markdownTable } from './table.js';

interface ReportRequest {
  /** Run folders, or folders above some. */
  readonly paths: readonly string[];
  readonly title: string;
  /** Where the files go. */
  readonly folder: string;
  /** The command that makes the report again. */
  readonly command: string;
}

interface Report {
  readonly points: readonly Point[];
  /** Paths, in the order written. */
  readonly files: readonly string[];
  readonly unfinished: readonly string[];
  /** Why runs were left out, a line each. */
  readonly damaged: readonly string[];
}

/** What a report wrote into `folder`; earlier versions kept no list, and left a page of this title. */
async function ownedIn(folder: string): Promise<ReadonlySet<string>> {
  const listed = await ownedFiles(folder);
  if (listed !== null) return listed;
  const page = await readTextIfThere(join(folder, 'index.html'));
  if (page?.includes('<title>fsam report') !== true) return new Set();
  return new Set((await readdir(folder)).filter(isOfReport));
}

const FIXED_NAMES = ['summary.csv', 'time.csv', 'table.md', 'table.tex', 'index.html'];

/** Whether a report may write a file `name`: a run or a sweep in the same folder has files of ours, too. */
const isOfReport = (name: string): boolean => {
  const figure = /^(.+)\.(svg|png)$/.exec(name)?.[1];
  return FIXED_NAMES.includes(name) || (figure !== undefined && isFigureName(figure));
};

/**
 * 1. Read every run; damaged ones are left out and named.
 * 2. Sum up, compare.
 * 3. Write tables, figures and the page; what an earlier report had and this one has not goes.
 *
 * Errors: UserError where no run can be reported on, another report is being written into the folder,
 * or a file that is not of a report is in the way.
 */
export async function writeReport(request: ReportRequest): Promise<Report> {
  const { paths, title, folder, command } = request;
  const { runs, unfinished, damaged } = await readRuns(paths);
  if (runs.length === 0) {
    throw new UserError(
      `${paths.join(', ')}: no run is finished of the ${unfinished.length}; go on first`,
    );
  }
  const points = pointsOf(runs);
  const comparisons = compareOptimizers(points, 'last');
  const figures = await Promise.all(
    figuresOf(points).map(async (figure) => ({ ...figure, svg: await renderSvg(figure) })),
  );
  const analyses = analysisCells(points);
  const cells = [
    scoreCells(points),
    ...(comparisons.length > 0 ? [comparisonCells(comparisons)] : []),
    ...(analyses === null ? [] : [analyses]),
  ];
  const tables = (format: typeof markdownTable): string =>
    cells.map((table) => `${format(table)}\n`).join('\n');
  const texts: [name: string, content: string][] = [
    ['summary.csv', summaryCsv(points)],
    ['time.csv', timeCsv(points)],
    ['table.md', tables(markdownTable)],
    ['table.tex', tables(latexTable)],
    ...figures.map(({ name, svg }): [string, string] => [`${name}.svg`, `${svg}\n`]),
    [
      'index.html',
      renderPage({ title, points, comparisons, figures, unfinished, damaged, command }),
    ],
  ];
  const pictures = figures.map(({ name, svg }) => [`${name}.png`, renderPng(svg)] as const);
  await makeFolders(folder);
  const lock = await acquireLock(join(folder, '.fsam-report-lock'));
  try {
    const files = await replaceFiles(folder, [...texts, ...pictures]);
    return { points, files, unfinished, damaged };
  } finally {
    await lock.release();
  }
}

/** Puts `contents` in the place of an earlier report. Returns the paths, in the order written. */
async function replaceFiles(
  folder: string,
  contents: readonly (readonly [name: string, content: string | Uint8Array])[],
): Promise<string[]> {
  const names = contents.map(([name]) => name);
  const before = await ownedIn(folder);
  await claimFiles(folder, names, before);
  const files: string[] = [];
  for (const [name, content] of contents) {
    const path = join(folder, name);
    await writeFileAtomically(
      path,
      typeof content === 'string' ? content : (file) => writeFile(file, content),
    );
    files.push(path);
  }
  await removeFiles(
    folder,
    [...before].filter((name) => isOfReport(name) && !names.includes(name)),
  );
  return files;
}
