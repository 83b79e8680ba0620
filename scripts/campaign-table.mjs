// campaign.json and campaign.md of what the parts of scripts/gpu-campaign.sh left in FOLDER/parts.
//
//   node scripts/campaign-table.mjs FOLDER DEVICE SECONDS
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiled } from './compiled.mjs';

/** @typedef {import('../src/cli/bench-sides.js').TimedRow} TimedRow */
/** @typedef {import('../src/catalogue/schema.js').Config} Config */

/** @type {typeof import('../src/catalogue/optimizers.js')} */
const { OPTIMIZERS } = await compiled('catalogue/optimizers.js');
/** @type {typeof import('../src/native/device.js')} */
const { openDevice } = await compiled('native/device.js');
/** @type {typeof import('../src/session/cost.js')} */
const { networkCost } = await compiled('session/cost.js');
/** @type {typeof import('../src/data/load.js')} */
const { knownShape } = await compiled('data/load.js');
/** @type {typeof import('../src/util/csv.js')} */
const { readCsv } = await compiled('util/csv.js');

const [folder = '', device = '', took = ''] = process.argv.slice(2);
const parts = join(folder, 'parts');
const PUBLISHED = fileURLToPath(
  new URL(
    '../results/reference/published/cifar100-resnet18/fsam-rho0.2-sigma1-lambda0.6/seed-1/metrics.csv',
    import.meta.url,
  ),
);

/** Dense products a second by the data sheets, in units of 10^12: by GPU, for TF32 and bfloat16. */
const PEAKS = [
  { name: /H100|H200/, tf32: 494.7, bfloat16: 989.4 },
  { name: /A100/, tf32: 156, bfloat16: 312 },
];
/** @param {string} file */
const text = (file) =>
  existsSync(join(parts, file)) ? readFileSync(join(parts, file), 'utf8') : '';

/** @param {string} name */
function partOf(name) {
  const status = text(`${name}.status`).trim();
  const [code = '', seconds = ''] = status.split(' ');
  const lines = text(`${name}.log`).trim().split('\n');
  const bench = text(`${name}.json`);
  const samples = text(`${name}.memory`).split('\n');
  /** @param {RegExp} program */
  const memory = (program) =>
    Math.max(
      0,
      ...samples.filter((line) => program.test(line)).map((line) => Number(line.split(',').at(-1))),
    );
  return {
    name,
    ended: status.startsWith('not begun')
      ? 'not begun: no time was left'
      : endOf(Number(code), lines),
    seconds: Number(seconds) || 0,
    gpuMemory: { node: memory(/node/), python: memory(/python/) },
    /** @type {{ config: Config, hardware: string, rows: TimedRow[] } | null} */
    bench: bench === '' ? null : JSON.parse(bench),
  };
}

/**
 * @param {number} code
 * @param {string[]} lines
 */
function endOf(code, lines) {
  if (code === 0) return 'ok';
  if (code === 124 || code === 137) return `failed: it took longer than its limit`;
  return `failed: ${(lines.at(-1) ?? `exit code ${code}`).slice(0, 100)}`;
}

/** @param {Config} config */
async function productsOf(config) {
  const { shape } = await knownShape(config.data, config.seed);
  return networkCost(config.model, shape).multiplyAdds;
}

/**
 * Of the GPU's peak, in percent: forwards and twice as much backwards for each gradient, two operations a product.
 *
 * @param {{ config: Config, imagesPerSecond: number, arithmetic: string, gpu: string }} step
 */
async function shareOf({ config, imagesPerSecond, arithmetic, gpu }) {
  const peak = PEAKS.find(({ name }) => name.test(gpu));
  const kind = /^bfloat16/.test(arithmetic)
    ? 'bfloat16'
    : arithmetic.startsWith('tf32')
      ? 'tf32'
      : null;
  if (peak === undefined || kind === null) return '';
  const operations = 2 * 3 * OPTIMIZERS[config.optimizer.name].passes * (await productsOf(config));
  return `${((100 * imagesPerSecond * operations) / (peak[kind] * 1e12)).toFixed(1)} %`;
}

const names = readdirSync(parts)
  .filter((name) => name.endsWith('.status'))
  .map((name) => name.replace(/\.status$/, ''))
  .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
const all = names.map(partOf);
openDevice('cpu');
const doctor = readFileSync(join(folder, 'doctor.txt'), 'utf8');
const gpu = /^device +GPU: (.*)$/m.exec(doctor)?.[1] ?? '';

/** @type {string[][]} */
const rows = [];
for (const { name, ended, bench, gpuMemory } of all) {
  const [network = '', batch = '', optimizer = '', arithmetic] = name.split(',');
  if (arithmetic === undefined) continue;
  const head = [network, batch, optimizer, arithmetic];
  // One that ran into its limit has the sides that had ended.
  if (ended !== 'ok') rows.push([...head, 'all sides', ended, '', '', '', '']);
  for (const { name: side, outcome } of bench?.rows ?? []) {
    if ('failure' in outcome) {
      rows.push([...head, side, `failed: ${outcome.failure}`, '', '', '', '']);
      continue;
    }
    const { median, imagesPerSecond, peakMemory } = outcome.timing;
    const onGpu = side.startsWith('fsam') ? gpuMemory.node : gpuMemory.python;
    const step = bench === null ? null : { config: bench.config, imagesPerSecond, arithmetic, gpu };
    rows.push([
      ...head,
      side,
      imagesPerSecond.toFixed(1),
      median.toFixed(2),
      step === null ? '' : await shareOf(step),
      onGpu > 0 ? `${onGpu}` : '',
      peakMemory.toFixed(0),
    ]);
  }
}

/** @param {string} name */
const secondsOf = (name) => {
  const part = all.find((one) => one.name === name);
  return part?.ended === 'ok' ? part.seconds : null;
};
const [startUp, evaluated] = [secondsOf('start-up'), secondsOf('evaluation')];
/** @param {number | null} seconds */
const told = (seconds) => (seconds === null ? 'not measured' : `${seconds.toFixed(1)} s`);

/** @param {string[][]} cells */
function table(cells) {
  const line = (/** @type {string[]} */ row) =>
    `| ${row.map((cell) => cell.replaceAll('|', '/')).join(' | ')} |`;
  const [header = [], ...body] = cells;
  return [line(header), line(header.map(() => '---')), ...body.map(line)].join('\n');
}

/** @param {string} path */
async function epochsOf(path) {
  const [header, ...lines] = await readCsv(path);
  return lines
    .slice(0, 5)
    .map(({ fields }) =>
      ['epoch', 'train_loss', 'test_accuracy'].map(
        (name) => fields[header?.fields.indexOf(name) ?? -1] ?? '',
      ),
    );
}

/** The first epochs beside the published ones; empty where they were not trained. */
async function published() {
  const file = join(parts, 'published.run/metrics.csv');
  if (!existsSync(file)) return '';
  const [ours, theirs] = [await epochsOf(file), await epochsOf(PUBLISHED)];
  const body = ours.map(([epoch = '', ...own], i) => [
    epoch,
    ...own,
    ...(theirs[i]?.slice(1) ?? []),
  ]);
  const header = [
    'epoch',
    'train loss',
    'test accuracy',
    'published train loss',
    'published test accuracy',
  ];
  return `\n## The published run, its first epochs\n\n${table([header, ...body])}\n`;
}

const header = ['network', 'batch', 'optimizer', 'arithmetic', 'side', 'images/s', 'ms/step'];
const content = `# Campaign on the ${device.toUpperCase()}${gpu === '' ? '' : `: ${gpu}`}

${took} s. A run of one step, from start to end: ${told(startUp)}; with an evaluation of the whole test set: ${told(evaluated)}.
Share: of the peak in the data sheet, at that arithmetic. GPU MB: the most that nvidia-smi saw, every 0.5 s.

${table([[...header, 'share', 'GPU MB', 'host MB'], ...rows])}
${await published()}`;
writeFileSync(join(folder, 'campaign.md'), content);
writeFileSync(
  join(folder, 'campaign.json'),
  `${JSON.stringify({ device, gpu, seconds: Number(took), doctor, parts: all }, null, 2)}\n`,
);
console.log(content);
