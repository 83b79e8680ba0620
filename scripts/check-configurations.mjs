// The long form of test/native/configurations.test.ts, with the command as a user types it: each of
// many configurations is trained straight, and killed, interrupted and resumed at moments drawn from the seed; metrics.csv,
// probes.csv, the weights and what eval prints must be equal, and report must read both.
//
//   node scripts/check-configurations.mjs --count 60 --seed 1
//
// `--from N` goes on with configuration N. Needs the set-up done, and dist/ up to date.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { compiled } from './compiled.mjs';
import { configuration, LABELS_FILE } from './configurations.mjs';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
  },
});
const LAUNCHER = fileURLToPath(new URL('../bin/fsam', import.meta.url));
/** Signals of the sittings before the last. */
const SIGNALS = /** @type {const} */ (['SIGKILL', 'SIGTERM', 'SIGKILL']);

/**
 * @param {string} folder
 * @param {string[]} args
 * @param {{ signal: NodeJS.Signals; after: number } | null} stop
 * @returns {Promise<{ code: number | null; stdout: string; stderr: string }>}
 */
async function fsam(folder, args, stop = null) {
  const child = spawn(LAUNCHER, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (/** @type {Buffer} */ text) => (stdout += text.toString()));
  child.stderr.on('data', (/** @type {Buffer} */ text) => (stderr += text.toString()));
  const done = new Promise((resolve) => child.on('close', resolve));
  if (stop !== null) {
    await Promise.race([done, wait(stop.after)]);
    child.kill(stop.signal);
  }
  const code = /** @type {number | null} */ (await done);
  return { code, stdout, stderr };
}

/**
 * Configuration `index` as a file in `folder`; with it a file of labels where it wants one.
 *
 * @param {number} index
 * @param {string} folder
 */
async function writeConfiguration(index, folder) {
  const written = configuration(index, Number(options.seed));
  const noise = /** @type {{ file?: string } | undefined} */ (written['labelNoise']);
  if (noise?.file === LABELS_FILE) {
    const { configSchema } = /** @type {typeof import('../src/catalogue/schema.js')} */ (
      await compiled('catalogue/schema.js')
    );
    const { loadDataset } = /** @type {typeof import('../src/data/load.js')} */ (
      await compiled('data/load.js')
    );
    const config = configSchema.parse(written);
    const { ofImages } = /** @type {typeof import('../src/data/dataset.js')} */ (
      await compiled('data/dataset.js')
    );
    const { train, classes } = ofImages(await loadDataset(config.data, config.seed));
    const labels = [...train.labels];
    const lines = labels.map(
      (label, i) => `${i},${label},${i % 3 === 0 ? (label + 1) % classes : label}`,
    );
    noise.file = join(folder, 'labels.csv');
    writeFileSync(noise.file, `${['index,original,noisy', ...lines].join('\n')}\n`);
  }
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(written, null, 1));
}

/**
 * What must not depend on how often a run was stopped.
 *
 * @param {string} folder
 */
function resultOf(folder) {
  const elements = (/** @type {string} */ path) => {
    const bytes = readFileSync(path);
    return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0))).toString('base64');
  };
  const checkpoints = readdirSync(join(folder, 'checkpoints')).sort();
  const newest = /** @type {string} */ (checkpoints.at(-1));
  const files = readdirSync(folder).filter((name) => name === 'best.safetensors');
  const probes = join(folder, 'probes.csv');
  return {
    metrics: readFileSync(join(folder, 'metrics.csv'), 'utf8'),
    newest,
    weights: elements(join(folder, 'checkpoints', newest)),
    best: files.map((name) => elements(join(folder, name))),
    probes: existsSync(probes) ? readFileSync(probes, 'utf8') : null,
  };
}

/**
 * What is wrong with configuration `index`; an empty list where nothing is.
 *
 * @param {number} index
 * @param {string} folder
 */
async function check(index, folder) {
  await writeConfiguration(index, folder);
  const train = ['train', '--config', 'config.yaml', '--resume', '--out'];
  const start = performance.now();
  const straight = await fsam(folder, [...train, 'straight']);
  const milliseconds = Math.ceil(performance.now() - start);
  if (straight.code !== 0) return [`straight: ${straight.stderr}`];
  /** @type {string[]} */
  const problems = [];
  let hits = 0;
  for (const [i, signal] of SIGNALS.entries()) {
    // From anywhere in a straight run, its start and the reading of data among them.
    const after = (index * 7919 + i * 104729 + Number(options.seed) * 31) % milliseconds;
    const { code, stderr } = await fsam(folder, [...train, 'stopped'], { signal, after });
    const ending = signal === 'SIGKILL' ? null : 143;
    if (code === ending || code === null) hits++;
    else if (code !== 0) problems.push(`${signal} after ${after} ms: exit code ${code}: ${stderr}`);
  }
  const last = await fsam(folder, [...train, 'stopped']);
  if (last.code !== 0) problems.push(`resumed: ${last.stderr}`);
  if (problems.length > 0) return problems;
  const [one, two] = [resultOf(join(folder, 'straight')), resultOf(join(folder, 'stopped'))];
  for (const key of /** @type {(keyof typeof one)[]} */ (Object.keys(one))) {
    if (!isDeepStrictEqual(one[key], two[key])) problems.push(`${key} differs`);
  }
  const evaluations = [];
  for (const run of ['straight', 'stopped']) {
    const { code, stdout, stderr } = await fsam(folder, ['eval', run]);
    if (code !== 0) problems.push(`eval ${run}: ${stderr}`);
    evaluations.push(stdout);
  }
  if (evaluations[0] !== evaluations[1]) problems.push(`eval differs: ${evaluations.join(' / ')}`);
  const report = await fsam(folder, ['report', 'stopped', '--out', 'report']);
  if (report.code !== 0) problems.push(`report: ${report.stderr}`);
  console.log(`configuration ${index}: ${hits} of ${SIGNALS.length} signals hit`);
  return problems;
}

let failed = 0;
const from = Number(options.from);
for (let index = from; index < from + Number(options.count); index++) {
  const folder = mkdtempSync(join(tmpdir(), 'fsam-configurations-'));
  const problems = await check(index, folder);
  for (const problem of problems) console.log(`configuration ${index}: ${problem}`);
  if (problems.length > 0) {
    failed++;
    console.log(`configuration ${index}: kept in ${folder}`);
  } else rmSync(folder, { recursive: true });
}
console.log(`${options.count} configurations from ${from}, seed ${options.seed}: ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
