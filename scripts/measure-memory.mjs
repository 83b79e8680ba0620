// Does memory stay? Resident memory over thousands of steps, and over sessions opened and closed.
//
//   node scripts/measure-memory.mjs [--steps 10000] [--sessions 200]
//
// On the smallest network that there is. Prints megabytes; no verdict.
import { parseArgs } from 'node:util';
import { compiled } from './compiled.mjs';

/** @typedef {import('../src/session/engine.js').Engine} Engine */

/** @type {typeof import('../src/catalogue/schema.js')} */
const { configSchema } = await compiled('catalogue/schema.js');
/** @type {typeof import('../src/data/synthetic.js')} */
const { makeSynthetic } = await compiled('data/synthetic.js');
/** @type {typeof import('../src/native/device.js')} */
const { openDevice } = await compiled('native/device.js');
/** @type {typeof import('../src/tasks/engine.js')} */
const { createEngine } = await compiled('tasks/engine.js');

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '10000' },
    sessions: { type: 'string', default: '200' },
  },
});

const config = configSchema.parse({
  name: 'memory',
  batchSize: 8,
  data: { name: 'synthetic', synthetic: { train: 32, test: 8, size: 8, classes: 4 } },
  model: { name: 'resnet18', width: 1 },
  optimizer: { name: 'fsam' },
});
openDevice('cpu');
const dataset = makeSynthetic(config.data.synthetic, 1);
const open = () => createEngine(config, dataset, { mode: 'compiled' });

/** After what JavaScript has let go of is gone, where node was told --expose-gc. */
function megabytes() {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
}

/**
 * Steps of an engine, round after round of the same batches.
 *
 * @param {Engine} engine
 * @param {number} count
 */
async function train(engine, count) {
  for (let step = 0; step < count;) {
    for await (const batch of engine.training?.batches(0, 0) ?? []) {
      if (step < count) engine.trainStep(step++, batch, 0.01);
    }
  }
}

/**
 * @param {string} what
 * @param {number} before
 */
const report = (what, before) => {
  const now = megabytes();
  console.log(
    `${what}: ${before.toFixed(1)} -> ${now.toFixed(1)} MB, ${(now - before).toFixed(1)} more`,
  );
};

const WARM_UP = 500;
const engine = open();
await train(engine, WARM_UP);
const beforeSteps = megabytes();
await train(engine, Number(values.steps));
report(`${values.steps} steps after the first ${WARM_UP}`, beforeSteps);
engine.dispose();

const once = async () => {
  const other = open();
  await train(other, 1);
  await other.evaluate('test');
  other.dispose();
};
for (let i = 0; i < 10; i++) await once();
const beforeSessions = megabytes();
for (let i = 0; i < Number(values.sessions); i++) await once();
report(`${values.sessions} sessions opened, run and closed after the first 10`, beforeSessions);
