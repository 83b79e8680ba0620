// index.html: a whole report on one page, which needs nothing but itself.
import type { Best } from '../catalogue/task.js';
import { formatConfig } from '../config/text.js';
import { capital } from '../util/capital.js';
import { counted } from '../util/counted.js';
import type { Comparison } from './comparisons.js';
import { publishedFor } from './published.js';
import { examplesOf, judgedBy, shown } from './judged.js';
import { copyNotes, missingSeeds, validationOf, type Point } from './points.js';
import { analysisCells } from './analysis-cells.js';
import { comparisonCells, scoreCells, scoreTitles, type Cells } from './table.js';
import { decimals } from '../util/digits.js';

export interface PageContent {
  readonly title: string;
  readonly points: readonly Point[];
  readonly comparisons: readonly Comparison[];
  readonly figures: readonly { readonly svg: string; readonly caption: string }[];
  /** Folders of runs that are not finished. */
  readonly unfinished: readonly string[];
  /** Why damaged runs were left out, a line each. */
  readonly damaged: readonly string[];
  /** The command that makes this page again. */
  readonly command: string;
}

const STYLE = `
body { font: 15px/1.5 'DejaVu Sans', Verdana, sans-serif; color: #111; max-width: 1100px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 2em; border-bottom: 1px solid #bbb; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: 3px 10px; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid #555; } th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } figure { margin: 1.5em 0; break-inside: avoid; } figure svg { max-width: 100%; height: auto; }
figcaption, .note { font-size: 13px; color: #333; max-width: 46em; } pre { font-size: 12px; background: #f5f5f5; padding: 1em; overflow-x: auto; }
@media print { body { margin: 0; max-width: none; } details { display: none; } }`;

export function renderPage(content: PageContent): string {
  const { title, points, comparisons, figures, unfinished, damaged, command } = content;
  const runs = points.flatMap((point) => point.runs);
  const { name, plural, unit } = judgedBy(points).test;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escape(title)}</h1>
<p>${counted(points.length, 'point')}, ${counted(runs.length, 'run')}. ${capital(plural)}${unit === 'percent' ? ' in percent' : ''}; ± is the standard deviation of the
sample over seeds, and a point with one seed has none.</p>
${unfinishedNote(unfinished)}${damagedNote(damaged)}
<h2>${capital(name)}</h2>
${table(scoreCells(points))}
${bestNote(points)}
${publishedNote(points)}
${seedsNote(points)}
${copiesNote(points)}
${comparisonSection(comparisons, judgedBy(points).test)}
<h2>Figures</h2>
${figures.map(({ svg, caption }) => `<figure>\n${svg}\n<figcaption>${escape(caption)}</figcaption>\n</figure>`).join('\n')}
${analysisSection(points)}
<h2>Environment</h2>
${table(environmentCells(points))}
<h2>Runs</h2>
${table(runCells(points))}
<h2>Configurations</h2>
<p class="note">One a point, complete: bin/fsam train --config takes it as it stands; its seeds are in the table above.</p>
${points.map(({ label, runs: [run] }) => `<details><summary>${escape(label)}</summary>\n<pre>${escape(formatConfig(run.config))}</pre></details>`).join('\n')}
<p class="note">Made by <code>${escape(command)}</code>.</p>
</body>
</html>
`;
}

function comparisonSection(
  comparisons: readonly Comparison[],
  { name, unit }: Best['test'],
): string {
  if (comparisons.length === 0) return '';
  const tested = comparisons.filter(({ test }) => test !== null).length;
  return `<h2>Differences between optimizers</h2>
<p class="note">Of ${name} after the last epoch${unit === 'percent' ? ', in percentage points' : ''}; other keys in which two points differ are named. Paired t-test over the seeds
that both points have; those that one of them lacks are left out and named. Welch's over all seeds where they share fewer than two. Two-sided.${tested > 1 ? ` ${counted(tested, 'test')}: p (Holm) holds for all of them together.` : ''}</p>
${table(comparisonCells(comparisons))}`;
}

function analysisSection(points: readonly Point[]): string {
  const cells = analysisCells(points);
  if (cells === null) return '';
  return `<h2>Analyses</h2>
<p class="note">By fsam analyze, of the last checkpoint that it was given, over its whole sample; H is the Hessian, G the Gauss-Newton matrix, 1 x 20 steps one ascent of 20.</p>
${table(cells)}`;
}

/** What the best epoch is chosen by. */
function bestNote(points: readonly Point[]): string {
  const validated = points.filter((point) => validationOf(point) !== null);
  const labels = validated.map(({ label }) => label).join(', ');
  const { is, test, validation } = judgedBy(points);
  const byTest = `the ${is} of all epochs, chosen by the test set itself`;
  const byValidation = `the ${test.name} at the epoch with the ${is} ${validation.name}`;
  const text =
    validated.length === 0
      ? byTest
      : validated.length === points.length
        ? byValidation
        : `${byTest}; of ${labels}, ${byValidation}`;
  return `<p class="note">Best: ${escape(text)}.</p>`;
}

function publishedNote(points: readonly Point[]): string {
  const sources = points.flatMap(({ runs }) => publishedFor(runs[0].config)?.source ?? []);
  const distinct = [...new Set(sources)];
  return distinct.length === 0
    ? ''
    : `<p class="note">Published: ${escape(distinct.join('; '))}.</p>`;
}

/** Means over unlike seeds are not to be compared by eye. */
function seedsNote(points: readonly Point[]): string {
  const lacking = points.flatMap((point) => {
    const seeds = missingSeeds(point, points);
    return seeds.length === 0 ? [] : [`${point.label} lacks ${seeds.join(', ')}`];
  });
  if (lacking.length === 0) return '';
  return `<p class="note">Seeds that other points have: ${escape(lacking.join('; '))}. Means over unlike seeds differ by the draw, too; the differences below leave such seeds out.</p>`;
}

function copiesNote(points: readonly Point[]): string {
  const notes = copyNotes(points);
  return notes.length === 0 ? '' : `<p class="note">${escape(notes.join('; '))}.</p>`;
}

function unfinishedNote(folders: readonly string[]): string {
  if (folders.length === 0) return '';
  return `<p><strong>${counted(folders.length, 'run')} not finished, left out:</strong> ${escape(folders.join(', '))}</p>`;
}

function damagedNote(reasons: readonly string[]): string {
  if (reasons.length === 0) return '';
  return `<p><strong>${counted(reasons.length, 'damaged run')} left out:</strong> ${escape(reasons.join('; '))}</p>`;
}

const ENVIRONMENT = [
  'device',
  'cpu',
  'threads',
  'onednn',
  'tensorflow',
  'tfjs',
  'node',
  'fsam',
  'platform',
];

const textOf = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** One row for each environment that runs were made in. */
function environmentCells(points: readonly Point[]): Cells {
  const rows = new Map<string, { cells: string[]; runs: number }>();
  for (const { environment } of points.flatMap((point) => point.runs)) {
    const git = environment['git'] as { commit?: string; dirty?: boolean } | null | undefined;
    const commit = `${git?.commit?.slice(0, 10) ?? ''}${git?.dirty === true ? ' (changed)' : ''}`;
    const cells = [...ENVIRONMENT.map((key) => textOf(environment[key])), commit];
    const key = cells.join('\n');
    rows.set(key, { cells, runs: (rows.get(key)?.runs ?? 0) + 1 });
  }
  return [
    [...ENVIRONMENT, 'commit', 'runs'],
    ...[...rows.values()].map(({ cells, runs }) => [...cells, String(runs)]),
  ];
}

function runCells(points: readonly Point[]): Cells {
  const { unit } = judgedBy(points).test;
  const examples = examplesOf(points);
  const rows = points.flatMap(({ label, runs }) =>
    runs.map(({ config, scores, seconds, imagesPerSecond, parameters, folder }) => [
      label,
      String(config.seed),
      ...[scores.last, scores.best, scores.lastTen].map((score) => shown(score, unit)),
      parameters.toLocaleString('en'),
      decimals(seconds, 0),
      decimals(imagesPerSecond, 0),
      folder,
    ]),
  );
  const header = [
    'point',
    'seed',
    ...scoreTitles(points),
    'parameters',
    'seconds',
    `${examples}/s`,
  ];
  return [[...header, 'folder'], ...rows];
}

function table([header = [], ...rows]: Cells): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>\n${[line(header, 'th'), ...rows.map((row) => line(row, 'td'))].join('\n')}\n</table></div>`;
}

const escape = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
