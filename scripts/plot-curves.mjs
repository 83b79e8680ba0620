// Draws test accuracy and training loss of runs over epochs: node scripts/plot-curves.mjs OUT.svg RUN_FOLDER...
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

/**
 * The rows of a run's metrics.csv (no field of it holds a comma or a quote), each with the run's
 * name.
 *
 * @param {string} folder
 */
function readMetrics(folder) {
  const [header = '', ...lines] = readFileSync(join(folder, 'metrics.csv'), 'utf8')
    .trim()
    .split('\n');
  const columns = header.split(',');
  return lines.map((line) => {
    const values = line.split(',').map(Number);
    const row = Object.fromEntries(columns.map((column, i) => [column, values[i]]));
    return { ...row, run: basename(dirname(folder)) };
  });
}

// Okabe and Ito's palette: tells apart in print and for colour-blind readers.
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9'];

const line = /** @type {const} */ ('line');
const quantitative = /** @type {const} */ ('quantitative');
const nominal = /** @type {const} */ ('nominal');

/**
 * @param {string} field
 * @param {string} title
 */
const panel = (field, title) => ({
  width: 330,
  height: 240,
  mark: { type: line, strokeWidth: 2, point: { size: 25 } },
  encoding: {
    x: { field: 'epoch', type: quantitative, title: 'epoch', axis: { tickMinStep: 1 } },
    y: { field, type: quantitative, title, scale: { zero: false } },
    color: { field: 'run', type: nominal, title: 'run', scale: { range: COLOURS } },
    strokeDash: { field: 'run', type: nominal, title: 'run' },
  },
});

const [out, ...folders] = process.argv.slice(2);
if (out === undefined || folders.length === 0) {
  process.stderr.write('usage: node scripts/plot-curves.mjs OUT.svg RUN_FOLDER...\n');
  process.exit(2);
}
const { spec } = compile({
  data: { values: folders.flatMap(readMetrics) },
  background: 'white',
  hconcat: [panel('test_accuracy', 'test accuracy (%)'), panel('train_loss', 'training loss at w')],
  config: {
    font: 'sans-serif',
    axis: { labelFontSize: 12, titleFontSize: 13 },
    legend: { labelLimit: 400 },
  },
});
writeFileSync(out, `${await new View(parse(spec)).toSVG()}\n`);
