// Does XLA compile what every configuration trains and evaluates? On the CPU TensorFlow says so, too: no GPU is needed.
//
//   node scripts/check-xla.mjs [--only NAME] [--precision P]
//
// Every file of configs/tiny/, the small ones of configs/, and every drawn configuration of the tests, which use every
// key, is compiled, all functions of a run, in a process of its own: TensorFlow says "Compiled cluster using XLA!" once a
// process, and that line is what counts, beside that no function ran op by op. The other files of configs/ have the
// ops of their twins in configs/tiny/: that is checked. Prints a Markdown table; exit code 1 where something does
// not compile, with the op that stops it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compiled } from './compiled.mjs';
import { configuration, FRAME_COUNT } from './configurations.mjs';

/** @typedef {import('../src/catalogue/schema.js').Config} Config */
/** @typedef {import('../src/graph/compile.js').Graph} Graph */

/** @type {typeof import('../src/catalogue/schema.js')} */
const { configSchema } = await compiled('catalogue/schema.js');
/** @type {typeof import('../src/config/load.js')} */
const { loadConfig } = await compiled('config/load.js');
/** @type {typeof import('../src/data/label-noise.js')} */
const { hasLabelNoise } = await compiled('data/label-noise.js');
/** @type {typeof import('../src/data/load.js')} */
const { knownShape } = await compiled('data/load.js');
/** @type {typeof import('../src/graph/compile.js')} */
const { loadGraph } = await compiled('graph/compile.js');
/** @type {typeof import('../src/native/device.js')} */
const { openDevice } = await compiled('native/device.js');
/** @type {typeof import('../src/native/own-ops.js')} */
const { withoutOwnOps } = await compiled('native/own-ops.js');
/** @type {typeof import('../src/tasks/engine.js')} */
const { traceRun } = await compiled('tasks/engine.js');

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** That of test/native/configurations.test.ts. */
const SEED = 7;
const PRECISIONS = /** @type {const} */ (['float32', 'bfloat16']);
const SAID = 'Compiled cluster using XLA!';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    precision: { type: 'string' },
    // The process of one.
    compile: { type: 'string' },
  },
});

const files = (/** @type {string} */ folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => join(folder, name).replace(/^configs\/|\.yaml$/g, ''));
const twinOf = (/** @type {string} */ name) => `tiny/${basename(name)}`;
const isThere = (/** @type {string} */ name) => existsSync(join(ROOT, 'configs', `${name}.yaml`));

/**
 * @param {string} name
 * @param {string} precision
 * @returns {Config}
 */
function configOf(name, precision) {
  const drawn = /^drawn (\d+)$/.exec(name)?.[1];
  const config =
    drawn === undefined
      ? loadConfig({
          config: join(ROOT, 'configs', `${name}.yaml`),
          assignments: [],
          overrides: {},
        })
      : configSchema.parse(configuration(Number(drawn), SEED));
  const found = PRECISIONS.find((one) => one === precision) ?? 'float32';
  const model = { ...config.model, precision: found };
  // A step that XLA compiles is on one device.
  return { ...config, devices: 1, model };
}

/**
 * @param {string} name
 * @param {string} precision
 */
async function traced(name, precision) {
  const config = configOf(name, precision);
  const { shape } = await knownShape(config.data, config.seed);
  const noisy = { ...shape, labelNoise: hasLabelNoise(config.labelNoise) };
  return withoutOwnOps(() => traceRun(config, noisy));
}

/** @param {Graph} graph */
const kindsOf = ({ nodes }) => new Set(nodes.map(({ op }) => op));

/** @param {import('../src/native/types.js').TensorType} type */
function zeros({ dtype, shape }) {
  const size = shape.reduce((product, extent) => product * extent, 1);
  switch (dtype) {
    case 'int32':
      return new Int32Array(size);
    case 'uint8':
    case 'bool':
      return new Uint8Array(size);
    default:
      return new Float32Array(size);
  }
}

/**
 * Runs every function of a run once: what comes out does not matter.
 *
 * @param {string} name
 * @param {string} precision
 */
async function compileAll(name, precision) {
  openDevice('cpu');
  const graph = await traced(name, precision);
  const program = loadGraph(graph, { xla: true });
  for (const [variable, type] of Object.entries(graph.variables)) {
    program.write(variable, zeros(type));
  }
  // Those of a short last batch are the same at another size.
  const functions = Object.entries(graph.functions).filter(([one]) => !one.endsWith('_last'));
  for (const [one, { inputs }] of functions) {
    /** @type {import('../src/graph/program.js').Values} */
    const fed = Object.fromEntries(
      Object.entries(inputs).map(([input, type]) => [input, zeros(type)]),
    );
    program.run(one, fed);
  }
  console.log(functions.map(([one]) => one).join(' '));
}

/**
 * One line: the functions that are compiled, or what stops one.
 *
 * @param {string} name
 * @param {string} precision
 */
function compileApart(name, precision) {
  const words = [import.meta.filename, '--compile', name, '--precision', precision];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    env: {
      ...process.env,
      // Compiled all the same, and sooner.
      XLA_FLAGS: '--xla_backend_optimization_level=0',
      ...{ FSAM_VERBOSE: '1', TF_CPP_MIN_LOG_LEVEL: '0' },
    },
  });
  const isCompiled = status === 0 && stderr.includes(SAID);
  const reason =
    /^\w*Error: .*$/m.exec(stderr)?.[0] ?? `exit code ${status}, and TensorFlow said nothing`;
  return { isCompiled, text: isCompiled ? stdout.trim() : `not: ${reason}` };
}

if (options.compile !== undefined) {
  await compileAll(options.compile, options.precision ?? 'float32');
  process.exit(0);
}

openDevice('cpu');
const all = [
  ...['configs', 'configs/tiny'].flatMap(files),
  ...Array.from({ length: FRAME_COUNT }, (_, i) => `drawn ${i}`),
].filter((name) => options.only === undefined || name === options.only);
let failed = 0;
console.log('| configuration | precision | compiled |\n| --- | --- | --- |');
for (const name of all) {
  for (const precision of PRECISIONS.filter((one) => (options.precision ?? one) === one)) {
    const twin = !name.startsWith('tiny/') && isThere(twinOf(name)) ? twinOf(name) : null;
    let text;
    if (twin === null) {
      const verdict = compileApart(name, precision);
      if (!verdict.isCompiled) failed++;
      ({ text } = verdict);
    } else {
      const known = kindsOf(await traced(twin, precision));
      const others = [...kindsOf(await traced(name, precision))].filter((op) => !known.has(op));
      if (others.length > 0) failed++;
      text =
        others.length === 0
          ? `the ops of ${twin}`
          : `not looked at: ${twin} has no ${others.join(', ')}`;
    }
    console.log(`| ${name} | ${precision} | ${text} |`);
  }
}
console.log(`\n${all.length} configurations: ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
