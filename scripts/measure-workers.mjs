// What sharing a batch costs: the time of a step of 1, 2, 4 ... workers on this machine, and where it goes.
//
//   node scripts/measure-workers.mjs [--config FILE] [--set KEY=VALUE ...] [--workers 1,2,4] [--steps 50] [--rounds 3]
//
// Each worker is a process of one thread with its share of batches of random images. Prints means over the workers, in
// milliseconds: a step, the steps by turns of rounds; and of as many profiled steps, what a worker computes, what it waits in
// sums for the last of them, and what the sums then take: of the times that workers spend in a sum, the shortest.
// Workers open servers that ask nobody who they are.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { compiled } from './compiled.mjs';

/**
 * What a worker tells: milliseconds of its steps, and of its profiled ones, beside those of each sum in them.
 *
 * @typedef {import('../src/util/workers-place.js').WorkersPlace} Place
 * @typedef {{ steps: number[], profiled: { whole: number, sums: number[] }[] }} Told
 */

/** @type {typeof import('../src/util/free-ports.js')} */
const { freePorts } = await compiled('util/free-ports.js');
/** @type {typeof import('../src/cli/columns.js')} */
const { alignedColumns } = await compiled('cli/columns.js');

const WARM_UP = 5;
const { values } = parseArgs({
  options: {
    config: { type: 'string', default: 'quickstart' },
    set: { type: 'string', multiple: true, default: [] },
    workers: { type: 'string', default: '1,2,4' },
    steps: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
    place: { type: 'string' },
  },
});
const steps = Number(values.steps);

if (values.place === undefined) {
  await compare();
} else {
  /** @type {Place} */
  const place = JSON.parse(values.place);
  await work(place);
}

async function compare() {
  const counts = values.workers.split(',').map(Number);
  /** @type {Map<number, Told[][]>} */
  const found = new Map(counts.map((count) => [count, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const count of counts) found.get(count)?.push(await together(count));
  }
  const header = ['workers', 'step', 'computing', 'waiting', 'summing', 'sums a step'];
  const rows = [...found].map(([count, rounds]) => {
    const parts = rounds.map(partsOf);
    const mean = (/** @type {'computing' | 'waiting' | 'summing' | 'sums'} */ of) =>
      meanOf(parts.map((one) => one[of])).toFixed(of === 'sums' ? 0 : 2);
    const step = meanOf(rounds.flat().map((one) => meanOf(one.steps))).toFixed(2);
    return [`${count}`, step, mean('computing'), mean('waiting'), mean('summing'), mean('sums')];
  });
  console.log(alignedColumns([header, ...rows]));
}

/**
 * @param {number} count
 * @returns {Promise<Told[]>}
 */
async function together(count) {
  const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
  return Promise.all(
    addresses.map(async (_, index) => {
      const place = JSON.stringify({ index, addresses, timeoutSeconds: 60 });
      const script = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
      const limits = { maxBuffer: 2 ** 26 };
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...script, '--place', place],
        limits,
      );
      return JSON.parse(stdout);
    }),
  );
}

/** @param {Told[]} workers of one run, which go through the same sums */
function partsOf(workers) {
  const ofSteps = Array.from({ length: steps }, (_, step) => {
    const here = workers.map(({ profiled }) => profiled[step] ?? { whole: NaN, sums: [] });
    const sums = here[0]?.sums.map((_, i) => here.map((one) => one.sums[i] ?? NaN)) ?? [];
    const summing = added(sums.map((times) => Math.min(...times)));
    const waiting = added(sums.map((times) => meanOf(times) - Math.min(...times)));
    const computing = meanOf(here.map(({ whole }) => whole)) - summing - waiting;
    return { computing, waiting, summing, sums: sums.length };
  });
  const mean = (/** @type {keyof (typeof ofSteps)[number]} */ of) =>
    meanOf(ofSteps.map((one) => one[of]));
  return {
    computing: mean('computing'),
    waiting: mean('waiting'),
    summing: mean('summing'),
    sums: mean('sums'),
  };
}

/** @param {Place} place */
async function work(place) {
  /** @type {typeof import('../src/config/load.js')} */
  const { loadConfig } = await compiled('config/load.js');
  /** @type {typeof import('../src/data/stand-in.js')} */
  const { standInFor } = await compiled('data/stand-in.js');
  /** @type {typeof import('../src/data/load.js')} */
  const { knownShape } = await compiled('data/load.js');
  /** @type {typeof import('../src/graph/workers.js')} */
  const { joinWorkers } = await compiled('graph/workers.js');
  /** @type {typeof import('../src/native/device.js')} */
  const { openDevice } = await compiled('native/device.js');
  /** @type {typeof import('../src/native/profile.js')} */
  const { decodeProfile } = await compiled('native/profile.js');
  /** @type {typeof import('../src/session/benchmark.js')} */
  const { stepTimer } = await compiled('session/benchmark.js');
  /** @type {typeof import('../src/tasks/engine.js')} */
  const { createEngine } = await compiled('tasks/engine.js');

  const config = loadConfig({ config: values.config, assignments: values.set, overrides: {} });
  openDevice('cpu', { threads: 1, onednn: null });
  const workers =
    place.addresses.length === 1 ? undefined : joinWorkers(place, { devices: 1, kind: 'CPU' });
  const dataset = standInFor((await knownShape(config.data, config.seed)).shape, config);
  const engine = createEngine(config, dataset, { mode: 'compiled', evaluates: [], workers });
  const timer = stepTimer(engine, config);
  for (let i = 0; i < WARM_UP; i++) await timer.next();
  /** @type {Told} */
  const told = { steps: [], profiled: [] };
  for (let i = 0; i < steps; i++) told.steps.push((await timer.next()).milliseconds);
  for (let i = 0; i < steps; i++) {
    /** @type {number[]} */
    let sums = [];
    const { milliseconds } = await timer.next((metadata) => {
      sums = decodeProfile(metadata)
        .filter(({ op }) => op === 'CollectiveReduceV2')
        .map(({ duration }) => duration / 1e6);
    });
    told.profiled.push({ whole: milliseconds, sums });
  }
  process.stdout.write(JSON.stringify(told), () => process.exit(0));
}

/** @param {number[]} numbers */
function added(numbers) {
  return numbers.reduce((sum, one) => sum + one, 0);
}

/** @param {number[]} numbers */
function meanOf(numbers) {
  return added(numbers) / numbers.length;
}
