// The tables of a report: as lines for a terminal, Markdown and LaTeX.
import type { Unit } from '../catalogue/tasks.js';
import type { Comparison } from './comparisons.js';
import { judgedBy, shown, toldBesides, valuesBesides, withUnit } from './judged.js';
import { publishedFor } from './published.js';
import { scoresOf, validationOf, type Point } from './points.js';
import { seedsOf } from './summary.js';
import { describe } from './statistics.js';

/** Cells of a table, the header first. */
export type Cells = readonly (readonly string[])[];

const PLUS_MINUS = '\u00b1';

/**
 * What every point is judged by, of the test set, and what is told besides; columns of validation and of published values
 * where there are some.
 */
export function scoreCells(points: readonly Point[]): Cells {
  const published = points.map(({ runs }) => publishedFor(runs[0].config));
  const some = published.some((value) => value !== null);
  const validation = points.map(validationOf);
  const someValidation = validation.some((values) => values !== null);
  const { unit } = judgedBy(points).test;
  const besides = toldBesides(points);
  const header = [
    ...['point', 'n', 'seeds', ...scoreTitles(points)],
    ...besides.map((row) => withUnit(`${row.called}, last`, row.unit)),
    ...(someValidation ? [withUnit('validation at best', unit)] : []),
    ...(some ? [withUnit('published, last', unit)] : []),
  ];
  const rows = points.map((point, i) => {
    const value = published[i];
    const theirs = value ? `${shown(value.last, unit)} (best ${shown(value.best, unit)})` : '';
    return [
      point.label,
      String(point.runs.length),
      seedsOf(point),
      ...(['last', 'best', 'lastTen'] as const).map((score) =>
        meanAndStd(scoresOf(point, score), unit),
      ),
      ...besides.map((row) => meanAndStd(valuesBesides(point, row), row.unit)),
      ...(someValidation ? [meanAndStd(validation[i] ?? [], unit)] : []),
      ...(some ? [theirs] : []),
    ];
  });
  return [header, ...rows];
}

/** Of the scores of a run: last, best and lastTen. */
export function scoreTitles(points: readonly Point[]): string[] {
  const { unit } = judgedBy(points).test;
  return ['last', 'best', lastTenTitle(points)].map((title) => withUnit(title, unit));
}

/** Shorter runs have fewer epochs to take the mean of. */
function lastTenTitle(points: readonly Point[]): string {
  const epochs = points.flatMap(({ runs }) => runs.map((run) => run.epochs.length));
  const [fewest, most] = [Math.min(...epochs), Math.max(...epochs)];
  if (fewest >= 10) return 'mean of last 10';
  return fewest === most ? `mean of all ${fewest}` : 'mean of last 10 or fewer';
}

/** `86.20 +- 0.31`, the value alone where there is one seed, nothing of none. */
function meanAndStd(values: readonly number[], unit: Unit): string {
  if (values.length === 0) return '';
  const { mean, std } = describe(values);
  return [mean, ...(std === null ? [] : [std])]
    .map((value) => shown(value, unit))
    .join(` ${PLUS_MINUS} `);
}

/** Differences between optimizers, with their tests. */
export function comparisonCells(comparisons: readonly Comparison[]): Cells {
  const header = [
    'difference',
    'points',
    'n',
    'test',
    't',
    'dof',
    'p',
    'p (Holm)',
    '95 % interval',
  ];
  const rows = comparisons.map((comparison) => {
    const { first, second, n, difference, test, adjusted } = comparison;
    const { unit } = judgedBy([first]).test;
    const notes = notesOn(comparison);
    const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
    const names = `${first.label} - ${second.label}${note}`;
    const counts = n[0] === n[1] ? String(n[0]) : n.join(', ');
    if (test === null) {
      const reason = Math.min(...n) === 1 ? 'n = 1: no error bar' : 'no spread: no error bar';
      return [names, signed(difference, unit), counts, reason, '', '', '', '', ''];
    }
    const interval = test.interval.map((end) => signed(end, unit)).join(' to ');
    return [
      names,
      signed(difference, unit),
      counts,
      test.kind,
      test.t.toFixed(2),
      test.kind === 'paired' ? String(test.dof) : test.dof.toFixed(1),
      probability(test.p),
      adjusted === null ? '' : probability(adjusted),
      interval,
    ];
  });
  return [header, ...rows];
}

/** Seeds that one of the two lacks, and other keys in which they differ. */
function notesOn({ first, second, leftOut, besides }: Comparison): string[] {
  const without = [first, second].flatMap(({ label }, i) => {
    const seeds = leftOut[i] ?? [];
    return seeds.length === 0
      ? []
      : [`without seed${seeds.length > 1 ? 's' : ''} ${seeds.join(', ')} of ${label}`];
  });
  return [...without, ...(besides.length === 0 ? [] : [`also: ${besides.join('; ')}`])];
}

const signed = (value: number, unit: Unit): string =>
  `${value < 0 ? '' : '+'}${shown(value, unit)}`;
const probability = (p: number): string => (p < 0.0001 ? '< 0.0001' : p.toFixed(4));

/** Columns padded to their widths; numbers on the right. */
export function printTable(points: readonly Point[]): string[] {
  return textTable(scoreCells(points));
}

export function textTable(cells: Cells): string[] {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  return cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

export function markdownTable([header = [], ...rows]: Cells): string {
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = header.map((_, column) => (column === 0 ? ':--' : '--:'));
  return [header, rule, ...rows].map(line).join('\n');
}

/** A tabular of LaTeX itself, no package needed. */
export function latexTable([header = [], ...rows]: Cells): string {
  const columns = `l${'r'.repeat(Math.max(0, header.length - 1))}`;
  const line = (row: readonly string[]): string => `  ${row.map(latex).join(' & ')} \\\\`;
  return [
    `\\begin{tabular}{${columns}}`,
    '  \\hline',
    line(header),
    '  \\hline',
    ...rows.map(line),
    '  \\hline',
    '\\end{tabular}',
  ].join('\n');
}

const latex = (cell: string): string =>
  cell
    .replace(/[&%$#_{}]/g, '\\$&')
    .replaceAll(PLUS_MINUS, '$\\pm$')
    .replaceAll('<', '$<$');
