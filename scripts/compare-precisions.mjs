// The losses of 100 steps in float32 and in bfloat16, beside each other, the time of a step, and the memory that it takes:
// a residual network and a transformer, on the set that comes with the project.
//
//   node scripts/compare-precisions.mjs [--steps N]
//
// Each column is a process of its own, one after the other; the time is the shortest of a step after the first three, the
// memory what the process had at most beyond what it had before the first step. Prints Markdown.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compiled } from './compiled.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NETWORKS = {
  'resnet18 of width 16': ['model.width=16'],
  'vit of width 64': ['model={name: vit, width: 64, patch: 4, layers: 4, heads: 4}'],
};
const COLUMNS = {
  float32: [],
  bfloat16: ['model.precision=bfloat16'],
  'float32, xla': ['xla=on'],
  'bfloat16, xla': ['model.precision=bfloat16', 'xla=on'],
};
/** @typedef {{ losses: number[], milliseconds: number, megabytes: number }} Found */

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string', default: '100' } },
});
const steps = Number(options.steps);

/**
 * Trains by these assignments.
 *
 * @param {string[]} assignments
 * @returns {Promise<Found>}
 */
async function train(assignments) {
  /** @type {typeof import('../src/config/load.js')} */
  const { loadConfig } = await compiled('config/load.js');
  /** @type {typeof import('../src/data/load.js')} */
  const { loadDataset } = await compiled('data/load.js');
  /** @type {typeof import('../src/native/device.js')} */
  const { openDevice } = await compiled('native/device.js');
  /** @type {typeof import('../src/session/benchmark.js')} */
  const { stepTimer } = await compiled('session/benchmark.js');
  /** @type {typeof import('../src/tasks/engine.js')} */
  const { createEngine } = await compiled('tasks/engine.js');
  const config = loadConfig({
    config: join(ROOT, 'configs', 'quickstart.yaml'),
    assignments: ['batchSize=128', ...assignments],
    overrides: {},
  });
  openDevice('cpu');
  const dataset = await loadDataset(config.data, config.seed);
  const engine = createEngine(config, dataset, { mode: 'compiled', evaluates: [] });
  const before = process.memoryUsage().rss;
  const timer = stepTimer(engine, config);
  const losses = [];
  const milliseconds = [];
  for (let step = 0; step < steps; step++) {
    const timed = await timer.next();
    losses.push(timed.numbers['train_loss'] ?? NaN);
    if (step >= 3) milliseconds.push(timed.milliseconds);
  }
  await timer.end();
  return {
    losses,
    milliseconds: Math.min(...milliseconds),
    megabytes: (process.resourceUsage().maxRSS * 1024 - before) / 1e6,
  };
}

if (positionals.length > 0) {
  console.log(JSON.stringify(await train(positionals.filter((word) => word !== '-'))));
  process.exit(0);
}

for (const [network, ofNetwork] of Object.entries(NETWORKS)) {
  /** @type {Found[]} */
  const found = Object.values(COLUMNS).map((ofColumn) => {
    const words = ['-', ...ofNetwork, ...ofColumn];
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [import.meta.filename, '--steps', options.steps, ...words],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
  const row = (/** @type {(string | number)[]} */ cells) => console.log(`| ${cells.join(' | ')} |`);
  console.log(`\n${network}, batch 128, F-SAM\n`);
  row(['step', ...Object.keys(COLUMNS)]);
  row(['---', ...found.map(() => '---')]);
  for (let end = 10; end <= steps; end += 10) {
    row([
      `${end - 9} to ${end}`,
      ...found.map(({ losses }) => {
        const sum = losses.slice(end - 10, end).reduce((a, b) => a + b, 0);
        return (sum / 10).toFixed(4);
      }),
    ]);
  }
  row(['ms a step', ...found.map(({ milliseconds }) => milliseconds.toFixed(0))]);
  row(['MB', ...found.map(({ megabytes }) => megabytes.toFixed(0))]);
}
