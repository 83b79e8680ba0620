// Is a run that is killed again and again, and goes on with other numbers of threads, the straight run? Some minutes.
//
//   node scripts/check-kills.mjs [--kills 20] [--seed 1] [--data FOLDER ...] [--epochs N] [--workers K] [--keep]
//
// Trains configs/tiny/imagenet-resnet18.yaml once straight, then once more with so many SIGKILLs, at moments drawn from the
// seed: within an epoch, before every other one after a SIGTERM has let the run save there, and every fourth at an epoch's edge,
// as soon as its row is written. Each process takes the next of the folders, which hold the same pictures, and another number
// of threads. Of several workers a drawn one gets the signal, or the process that started them, and none may live longer than the
// others. Compares metrics.csv and every tensor of the checkpoints; exit code 1 where one differs.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '120' },
    data: { type: 'string', multiple: true, default: [] },
    workers: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const THREADS = [1, 3, 2];
const work = mkdtempSync(join(tmpdir(), 'fsam-kills-'));
const folders = values.data.map((folder) => resolve(folder));
if (folders.length === 0) {
  folders.push(join(work, 'pictures'));
  execFileSync(process.execPath, [join(ROOT, 'scripts/draw-pictures.mjs'), join(work, 'pictures')]);
}

let drawn = Number(values.seed);
/** From 0 to 1. */
const draw = () => (drawn = (drawn * 48_271) % 2_147_483_647) / 2_147_483_647;
draw();

/**
 * @param {string} out
 * @param {number} turn which folder and number of threads
 */
function command(out, turn) {
  const config = join(ROOT, 'configs/tiny/imagenet-resnet18.yaml');
  const data = folders[turn % folders.length] ?? '';
  const threads = `data.workers=${THREADS[turn % THREADS.length]}`;
  // Small batches: more steps to be killed at.
  const sizes = ['--epochs', values.epochs, '--set', 'batchSize=4', '--set', threads];
  const workers =
    values.workers === '1'
      ? []
      : ['--workers', values.workers, '--open-server', '--worker-timeout', '20'];
  const train = ['train', '--config', config, '--data-dir', data, '--out', out, '--resume'];
  return [...train, ...sizes, ...workers];
}

/** The process and, of several workers, those that it started. */
function familyOf(/** @type {number} */ pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [pid, ...children.split(' ').filter(Boolean).map(Number)];
  } catch {
    return [pid];
  }
}

/** Milliseconds after the start; `edge`: when an epoch has ended. @typedef {number | 'edge'} Moment */

/**
 * Runs until it ends or, at a moment after it is ready, gets the signal.
 *
 * @param {number} turn
 * @param {{ signal: NodeJS.Signals, at: Moment } | null} stop
 * @returns {Promise<{ code: number | null, signal: string | null }>}
 */
async function run(turn, stop) {
  const child = spawn(join(ROOT, 'bin/fsam'), command('killed', turn), {
    cwd: work,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ text) => (told += text));
  /** @type {Promise<{ code: number | null, signal: string | null }>} */
  const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
  if (stop !== null) {
    const isGone = () => child.exitCode !== null || child.signalCode !== null;
    while (!told.includes('ready after') && !isGone()) await sleep(5);
    const before = epochs();
    if (stop.at !== 'edge') await sleep(stop.at);
    else while (epochs() === before && !isGone()) await sleep(1);
    const family = familyOf(child.pid ?? 0);
    // In good order all end, whichever is told.
    const victim = stop.signal === 'SIGTERM' ? 0 : Math.floor(draw() * family.length);
    if (!isGone()) process.kill(family[victim] ?? 0, stop.signal);
    await noOrphans(family);
  }
  const end = await ended;
  // Where a worker is killed, the others end with 1.
  const isWanted = (/** @type {number | null} */ code) =>
    code !== 2 && (code !== 1 || values.workers !== '1');
  const wanted = stop === null ? end.code === 0 : isWanted(end.code);
  if (!wanted) throw new Error(`the run ended with ${end.code ?? end.signal}: ${told}`);
  return end;
}

/** All of a family are gone soon after one of them. */
async function noOrphans(/** @type {number[]} */ family) {
  const lives = () => family.filter((pid) => existsSync(`/proc/${pid}`));
  for (let waited = 0; lives().length > 0; waited++) {
    if (waited === 600) throw new Error(`still there after 30 s: ${lives().join(', ')}`);
    await sleep(50);
  }
}

/** Rows of the killed run. */
function epochs() {
  const metrics = join(work, 'killed', 'metrics.csv');
  return existsSync(metrics) ? readFileSync(metrics, 'utf8').trim().split('\n').length - 1 : 0;
}

const started = performance.now();
execFileSync(join(ROOT, 'bin/fsam'), command('straight', 0), { cwd: work, stdio: 'ignore' });
const seconds = (performance.now() - started) / 1000;
console.log(`straight: ${values.epochs} epochs in ${seconds.toFixed(1)} s`);

let turn = 0;
let killed = 0;
/** So that all kills come before the end: somewhat less than what training takes, without the start. */
const share = (800 * (seconds - 3)) / Number(values.kills);
for (let i = 1; i <= Number(values.kills); i++) {
  if (i % 2 === 0) await run(++turn, { signal: 'SIGTERM', at: share * draw() });
  const at = i % 4 === 0 ? 'edge' : share * draw();
  const { code } = await run(++turn, { signal: 'SIGKILL', at });
  if (code !== 0) killed++;
  const where = at === 'edge' ? "at an epoch's edge" : `after ${at.toFixed(0)} ms`;
  console.log(
    `kill ${i} ${where}: ${code === 0 ? 'the run was over' : 'hit'}; ${epochs()} epochs done`,
  );
}
await run(++turn, null);

/** @param {string} out */
const hashes = (out) =>
  execFileSync(process.execPath, [join(ROOT, 'scripts/result-hashes.mjs'), join(work, out)], {
    encoding: 'utf8',
  });
const [straight, other] = [hashes('straight'), hashes('killed')];
const count = straight.trim().split('\n').length;
const words = `${killed} of ${values.kills} kills hit, ${turn} processes`;
if (straight === other) console.log(`the same: ${count} tables and tensors; ${words}`);
else console.error(`not the same: ${words}; the runs are in ${work}`);
if (straight === other && !values.keep) rmSync(work, { recursive: true });
process.exitCode = straight === other ? 0 : 1;
