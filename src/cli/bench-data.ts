// fsam bench --data-only: how fast pictures are read, by how many workers, and what a picture's time goes to.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import type { Config } from '../catalogue/schema.js';
import { shapeOf } from '../data/dataset.js';
import { isStreamed } from '../data/load.js';
import { framedPictures } from '../data/pictures/measure-pictures.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import {
  lyingOnDevice,
  openPictures,
  trainingBatches,
  type OpenedPictures,
} from './bench-data-pictures.js';
import {
  medianFigure,
  partsSide,
  RATE,
  rateSide,
  STEP_SIDE,
  type Rounds,
} from './bench-data-sides.js';
import { partsTable, ratesTable } from './bench-data-table.js';
import type { BenchOptions } from './bench-options.js';
import { findScript, type PythonScript } from './bench-python.js';
import { benchConfig, hardware, refuseBeside } from './bench-setting.js';
import { timeFsam } from './bench-sides.js';
import { pictureList, TORCHVISION, torchvisionSides, WAYS } from './bench-torchvision.js';
import {
  conclude,
  hasFailed,
  takeTurns,
  type Failure,
  type Row,
  type Side,
} from './bench-turns.js';
import { threeDigits } from './columns.js';
import { print } from './output.js';

/** Options of the benchmark of steps. */
const OF_STEPS = {
  modes: '--modes',
  againstModes: '--against-modes',
  profile: '--profile',
} as const;

/**
 * 1. Find the pictures that training begins with.
 * 2. Time the parts of reading one, what reads them, and with `--with-step` what takes them in, until a
 *    signal comes.
 * 3. Print the tables of what ended.
 *
 * @param typed the options that were given
 * @throws Interrupted, after the tables, where a signal came; RunError, after them, where a side failed.
 */
export async function benchData(
  options: BenchOptions,
  typed: ReadonlyMap<string, unknown>,
): Promise<void> {
  refuseBeside(typed, '--data-only', OF_STEPS, 'reading alone is timed');
  const config = await benchConfig(options);
  if (!isStreamed(config.data)) throw lyingOnDevice(config.data);
  const script = await findScript(options, TORCHVISION);
  const opened = await openPictures(config);
  const folder = await mkdtemp(join(os.tmpdir(), 'fsam-bench-'));
  try {
    await timed({ options, config, opened, script, folder });
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Prepared {
  readonly options: BenchOptions;
  readonly config: Config;
  readonly opened: OpenedPictures;
  readonly script: PythonScript | Failure | undefined;
  /** For what is handed to other programs. */
  readonly folder: string;
}

async function timed(prepared: Prepared): Promise<void> {
  const { options, config, opened, script } = prepared;
  const workers = options.workers ?? powersOfTwo(os.availableParallelism());
  const title = titleOf(config, opened, options);
  const machine = hardware();
  for (const line of [title, machine]) print(line);
  if (script === undefined) {
    print(`torchvision is left out; --against ${TORCHVISION.script} times it too.`);
  }
  const rows: Row<Rounds>[] = [];
  const signal = await takeTurns(await sidesOf(prepared, workers), rows, options.rounds, {
    joined: (before, after) => ({ ...after, rounds: [...before.rounds, ...after.rounds] }),
    summary,
  });
  if (rows.length > 0) show(rows, workers);
  if (rows.length > 0 && options.json !== undefined) {
    const { warmup, steps, rounds } = options;
    const content = { title, hardware: machine, warmup, steps, rounds, config, rows };
    await writeFileAtomically(options.json, `${JSON.stringify(content, null, 2)}\n`);
  }
  conclude(rows, signal);
}

/** The parts come first: they bring all pictures from the disk into memory, for everybody. */
async function sidesOf(
  { options, config, opened, script, folder }: Prepared,
  workers: readonly number[],
): Promise<Side<Rounds>[]> {
  const { warmup, steps } = options;
  const counts = { warmup, steps };
  const ways = (count: number): Side<Rounds>[] => [rateSide(config, count, counts)];
  const step = options.withStep === true ? [stepSide(config, opened, options)] : [];
  if (script === undefined) return [partsSide(config, counts), ...workers.flatMap(ways), ...step];
  if (hasFailed(script)) {
    // First, so that it is told before the others take their time.
    const failed = { name: 'torchvision', time: () => Promise.resolve(script) };
    return [failed, partsSide(config, counts), ...workers.flatMap(ways), ...step];
  }
  const pictures = join(folder, 'pictures.json');
  const batches = trainingBatches(config, opened.dataset, warmup + steps);
  const framed = framedPictures(opened.stream, batches);
  await writeFile(pictures, pictureList(config.data.imageSize, framed));
  const batch = batches[0]?.indices.length ?? config.batchSize;
  const beside = (count: number) => [
    ...ways(count),
    ...torchvisionSides({ ...script, pictures, batch, warmup, workers: count }),
  ];
  return [partsSide(config, counts), ...workers.flatMap(beside), ...step];
}

/** The compiled step, on images that are there already. */
const stepSide = (
  config: Config,
  { dataset }: OpenedPictures,
  { warmup, steps }: BenchOptions,
): Side<Rounds> => ({
  name: STEP_SIDE,
  time: async (stop) => {
    const shape = { ...shapeOf(dataset), labelNoise: false };
    const outcome = await timeFsam({ config, shape, mode: 'compiled', warmup, steps }, stop);
    if (hasFailed(outcome)) return outcome;
    return { rounds: [{ [RATE]: outcome.timing.imagesPerSecond }], library: null };
  },
});

function show(rows: readonly Row<Rounds>[], workers: readonly number[]): void {
  print('');
  const rates = ratesTable(rows, workers, WAYS);
  if (rates !== null) print(`${rates}\n`);
  const step = medianFigure(rows.find(({ name }) => name === STEP_SIDE)?.outcome, RATE);
  if (step !== undefined) print(`A training step takes in ${threeDigits(step)} images/s.\n`);
  const parts = partsTable(rows);
  if (parts !== null) print(`One thread, of fsam:\n${parts}\n`);
  const libraries = rows.flatMap(({ outcome }) =>
    hasFailed(outcome) ? [] : (outcome.library ?? []),
  );
  for (const library of new Set(libraries)) print(library);
}

function titleOf(
  { batchSize, data }: Config,
  { dataset }: OpenedPictures,
  { steps, warmup, rounds }: BenchOptions,
): string {
  const inEach = rounds > 1 ? `, the median of ${rounds} rounds` : '';
  return `${dataset.source}: training pictures to ${data.imageSize}x${data.imageSize}, ${steps} batches of ${batchSize} after ${warmup} of warm-up${inEach}`;
}

function summary({ rounds: [round = {}] }: Rounds): string {
  const rate = round[RATE];
  if (rate !== undefined) return `${threeDigits(rate)} images/s`;
  const all = Object.values(round).reduce((sum, time) => sum + time, 0);
  return `${all.toFixed(2)} ms an image`;
}

/** 1, 2, 4 and so on, and `most` at last. */
function powersOfTwo(most: number): number[] {
  const found: number[] = [];
  for (let power = 1; power < most; power *= 2) found.push(power);
  return [...found, most];
}
