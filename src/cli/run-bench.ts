// What fsam bench does: the sides timed and shown, or where the time of a step goes.
import type { Command } from 'commander';
import { isAugmentedAsAsked } from '../catalogue/data-sets.js';
import { resizeOf } from '../data/resize.js';
import { optimizerTitle, takesFullGradient } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import { taskOf } from '../catalogue/task.js';
import { isText, type DatasetShape } from '../data/dataset.js';
import { knownShape } from '../data/load.js';
import { useThreads } from '../native/threads.js';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { refuseOthersFile } from '../util/output-file.js';
import { benchData } from './bench-data.js';
import { TRACE_FILE, type BenchOptions } from './bench-options.js';
import { refuseBesideProfile, showProfile, TRACE_KEYS } from './bench-profile.js';
import { findScript } from './bench-python.js';
import { PYTORCH } from './bench-pytorch.js';
import { benchConfig, hardware } from './bench-setting.js';
import type { TimedRow, Timing } from './bench-sides.js';
import { benchTable } from './bench-table.js';
import { sides, timeAll, timings } from './bench-timing.js';
import { conclude } from './bench-turns.js';
import { print, tell } from './output.js';

/**
 * 1. Read the configuration, and of its set the shape, in which synthetic images stand in for it.
 * 2. Time the sides, one process after another, until a signal comes.
 * 3. Print the table of those that ended.
 * @throws Interrupted, after the table, where a signal came; RunError, after it, where a side failed.
 */
export async function runBench(options: BenchOptions, command: Command): Promise<void> {
  const typed = new Map(
    Object.entries(options).filter(([name]) => command.getOptionValueSource(name) === 'cli'),
  );
  if (options.threads !== undefined) {
    // Every side's process inherits it.
    useThreads(options.threads);
  }
  if (options.dataOnly === true) {
    await benchData(options, typed);
    return;
  }
  refuseAlone(typed);
  if (options.profile !== undefined) refuseBesideProfile(typed);
  const { config, shape } = await prepare(options);
  if (options.profile !== undefined) {
    await profile(traceFileOf(options.profile), config, shape, options);
    return;
  }
  const pytorch = await findScript(options, PYTORCH);
  if (pytorch === undefined) {
    print('PyTorch is left out; --against scripts/bench_pytorch.py times it too.');
  }
  const { steps, warmup, rounds } = options;
  const inEach = rounds > 1 ? `, in each of ${rounds} rounds` : '';
  print(`${describe(config, shape)}: median of ${steps} steps after ${warmup} of warm-up${inEach}`);
  print(hardware());

  const rows: TimedRow[] = [];
  const signal = await timeAll(
    sides(config, shape, options, pytorch, () => rows),
    rows,
    { rounds: options.rounds, batchSize: config.batchSize },
  );
  if (rows.length > 0) await show(rows, config, options);
  conclude(rows, signal);
}

/** Options that only `--data-only` reads. */
function refuseAlone(typed: ReadonlyMap<string, unknown>): void {
  const [flag] = Object.entries({ workers: '--workers', withStep: '--with-step' })
    .filter(([name]) => typed.has(name))
    .map(([, words]) => words);
  if (flag === undefined) return;
  throw new UserError(`${flag}: got it without --data-only, which alone reads it; add that`);
}

const traceFileOf = (profile: string | true): string => (profile === true ? TRACE_FILE : profile);

async function profile(
  file: string,
  config: Config,
  shape: DatasetShape,
  { steps, warmup }: BenchOptions,
): Promise<void> {
  const title = `${describe(config, shape)}: mean of the faster half of ${steps} profiled steps after ${warmup} of warm-up`;
  const machine = hardware();
  for (const line of [title, machine]) print(line);
  await showProfile({ config, shape, file, title, hardware: machine, steps, warmup });
}

/** The table, and what it holds for. */
async function show(
  rows: readonly TimedRow[],
  config: Config,
  options: BenchOptions,
): Promise<void> {
  print(`\n${benchTable(rows, taskOf(config).examples)}\n`);
  for (const line of libraries(timings(rows))) print(line);
  if (options.against !== undefined && taskOf(config).reads === 'images') {
    const own = isAugmentedAsAsked(config.data.name) ? 'augments' : 'normalises';
    print(`PyTorch's images come normalised and need no augmentation; fsam's step ${own} its own.`);
  }
  if (options.json !== undefined) await writeJson(options.json, config, options, rows);
}

async function prepare(options: BenchOptions) {
  if (options.profile !== undefined) {
    await refuseOthersFile('--profile', traceFileOf(options.profile), TRACE_KEYS);
  }
  const config = await benchConfig(options);
  refuseFullGradient(config);
  const { shape, note } = await knownShape(config.data, config.seed);
  if (note !== null) tell(note);
  refuseOtherImages(shape);
  return { config, shape: { ...shape, labelNoise: false } };
}

/** Of which it would time the smaller part. */
function refuseFullGradient({ optimizer }: Config): void {
  if (!takesFullGradient(optimizer)) return;
  throw new UserError(
    `optimizer.name: got ${optimizer.name}, most of whose time goes into full gradients between steps; ` +
      'wanted another for bench; timing.csv of a run tells what its epochs take',
  );
}

/** Those that stand in for them have one side, and the network that PyTorch times, too. */
function refuseOtherImages(shape: DatasetShape): void {
  if (isText(shape)) return;
  const { height, width, channels } = shape;
  if (height === width && (channels === 1 || channels === 3)) return;
  throw new UserError(
    `data: got images of ${height} x ${width} x ${channels}, wanted square ones of 1 or 3 channels for bench`,
  );
}

const libraries = (timings: readonly Timing[]): string[] => [
  ...new Set(timings.map(({ library, device }) => `${library} on ${device}`)),
];

function describe(config: Config, shape: DatasetShape): string {
  const { model, optimizer, batchSize } = config;
  const side = resizeOf(config.data);
  const enlarged = side === null ? '' : ` enlarged to ${side}x${side}`;
  const examples = isText(shape)
    ? `windows of ${shape.context} tokens, ${shape.classes} different ones`
    : `${shape.height}x${shape.width}x${shape.channels} images${enlarged}, ${shape.classes} classes`;
  return (
    `${model.name}${model.width === null ? '' : ` of width ${model.width}`}, ${model.precision}, ${examples}, ` +
    `${optimizerTitle(optimizer.name, optimizer.adaptive)}, batch ${batchSize}`
  );
}

async function writeJson(
  file: string,
  config: Config,
  { warmup, steps, rounds }: BenchOptions,
  rows: readonly TimedRow[],
): Promise<void> {
  const content = { hardware: hardware(), warmup, steps, rounds, config, rows };
  await writeFileAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
}
