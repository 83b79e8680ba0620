// fsam bench: how long a training step takes, compiled and not, and beside PyTorch on the same
// machine.
import os from 'node:os';
import { Option, type Command } from 'commander';
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import type { EngineOptions } from '../tasks/engine.js';
import { RunError, UserError } from '../util/errors.js';
import type { PytorchMode } from './bench-pytorch.js';
import type { Timing } from './bench-sides.js';
import type { Row } from './bench-table.js';
import { MODES, PYTORCH_MODES } from './bench-modes.js';
import {
  PROFILE_HELP,
  refuseBesideProfile,
  showProfile,
  TRACE_FILE,
  TRACE_KEYS,
} from './bench-profile.js';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { Interrupted } from './failure.js';
import { print } from './output.js';
import { threadNumber, wholeNumber } from './whole-number.js';

type Mode = EngineOptions['mode'];

interface BenchOptions extends ConfigOptions {
  readonly batch?: number;
  readonly steps: number;
  readonly warmup: number;
  readonly rounds: number;
  readonly modes: readonly Mode[];
  readonly against?: string;
  readonly againstModes: readonly PytorchMode[];
  readonly python?: string;
  readonly json?: string;
  /** True: the usual file. */
  readonly profile?: string | true;
  readonly threads?: number;
}

const HELP = `
stock: tfjs's own operations one by one; eager: fsam's operations one by one; compiled: one call of TensorFlow a step.
Images are synthetic, in the shape of the configuration's set. Leave the machine alone while it runs; where it is not
yours alone, --rounds makes the sides take turns.
${PROFILE_HELP}`;
/** Batches of images that the steps go round. */
const BATCHES = 4;

export function registerBench(program: Command): void {
  const count = wholeNumber(9);
  addConfigOptions(program.command('bench'), 'experiment', ['--epochs', '--max-steps', '--subset'])
    .description('Times training steps: stock tfjs, eager, compiled, and PyTorch beside them.')
    .option('--batch <n>', 'images a step (default: batchSize of the configuration)', count)
    .option('--steps <n>', 'measured steps', count, 10)
    .option('--warmup <n>', 'steps before the measured ones', count, 3)
    .option('--rounds <n>', 'times that each side has its turn', count, 1)
    .addOption(new Option('--modes <mode...>', 'how fsam runs').choices(MODES).default(MODES))
    .option('--against <script>', 'PyTorch program to time too: scripts/bench_pytorch.py')
    .addOption(
      new Option('--against-modes <mode...>', 'how PyTorch runs')
        .choices(PYTORCH_MODES)
        .default(PYTORCH_MODES),
    )
    .option('--python <python>', 'Python that has torch (default: $FSAM_PYTHON or python3)')
    .option('--threads <n>', 'threads of each side (default: every core)', threadNumber)
    .option('--json <file>', 'also write every figure there')
    .option(
      '--profile [file]',
      `where the time of the compiled step goes, op by op; its trace goes to the file (default: ${TRACE_FILE})`,
    )
    .addHelpText('after', HELP)
    .action(bench);
}

/**
 * 1. Read the configuration and put a synthetic set in the place of its own.
 * 2. Time the sides, one process after another, until a signal comes.
 * 3. Print the table of those that ended.
 * @throws Interrupted, after the table, where a signal came; RunError, after it, where a side failed.
 */
async function bench(options: BenchOptions, command: Command): Promise<void> {
  if (options.profile !== undefined) {
    const all = Object.entries(options);
    refuseBesideProfile(
      new Map(all.filter(([name]) => command.getOptionValueSource(name) === 'cli')),
    );
  }
  if (options.threads !== undefined) {
    const { useThreads } = await import('../native/threads.js');
    // Every side's process inherits it.
    useThreads(options.threads);
  }
  const { config, shape } = await prepare(options);
  if (options.profile !== undefined) {
    await profile(traceFileOf(options.profile), config, shape, options);
    return;
  }
  const { findPytorch } = await import('./bench-pytorch.js');
  const pytorch = await findPytorch(options);
  if (pytorch === undefined) {
    print('PyTorch is left out; --against scripts/bench_pytorch.py times it too.');
  }
  const { steps, warmup, rounds } = options;
  const inEach = rounds > 1 ? `, in each of ${rounds} rounds` : '';
  print(
    `${await describe(config, shape)}: median of ${steps} steps after ${warmup} of warm-up${inEach}`,
  );
  print(hardware());

  const { sides, timeAll } = await import('./bench-timing.js');
  const rows: Row[] = [];
  const signal = await timeAll(
    sides(config, shape, options, pytorch, () => rows),
    rows,
    { rounds: options.rounds, batchSize: config.batchSize },
  );
  if (rows.length > 0) await show(rows, config, options);
  if (signal !== null) {
    const found = rows.length > 0 ? 'what was timed until then is above' : 'nothing was timed';
    throw new Interrupted(signal, found);
  }
  const failed = rows.filter(({ outcome }) => 'failure' in outcome);
  if (failed.length > 0) {
    throw new RunError(
      `bench: ${failed.map(({ name }) => name).join(', ')} did not run, see above`,
    );
  }
}

const traceFileOf = (profile: string | true): string => (profile === true ? TRACE_FILE : profile);

async function profile(
  file: string,
  config: Config,
  shape: DatasetShape,
  { steps, warmup }: BenchOptions,
): Promise<void> {
  const title = `${await describe(config, shape)}: mean of the faster half of ${steps} profiled steps after ${warmup} of warm-up`;
  const machine = hardware();
  for (const line of [title, machine]) print(line);
  await showProfile({ config, file, title, hardware: machine, steps, warmup });
}

/** The table, and what it holds for. */
async function show(rows: readonly Row[], config: Config, options: BenchOptions): Promise<void> {
  const { benchTable } = await import('./bench-table.js');
  const { timings } = await import('./bench-timing.js');
  print(`\n${benchTable(rows)}\n`);
  for (const line of libraries(timings(rows))) print(line);
  if (options.against !== undefined) {
    print("PyTorch's images need no augmentation; fsam's step augments its own.");
  }
  if (options.json !== undefined) await writeJson(options.json, config, options, rows);
}

async function prepare({ batch, ...options }: BenchOptions) {
  const { refuseOthersFile } = await import('../util/output-file.js');
  if (options.json !== undefined) {
    await refuseOthersFile('--json', options.json, ['hardware', 'rows']);
  }
  if (options.profile !== undefined) {
    await refuseOthersFile('--profile', traceFileOf(options.profile), TRACE_KEYS);
  }
  const request = configRequest(options);
  const { loadConfig } = await import('../config/load.js');
  const { datasetShape } = await import('../data/load.js');
  const assignments =
    batch === undefined ? request.assignments : [...request.assignments, `batchSize=${batch}`];
  const config = loadConfig({ ...request, assignments });
  const shape = await datasetShape(config.data, config.seed);
  return { config: withSyntheticData(config, shape), shape };
}

function withSyntheticData(config: Config, shape: DatasetShape): Config {
  const { height, width, classes } = shape;
  const channels = ([1, 3] as const).find((number) => number === shape.channels);
  if (height !== width || channels === undefined) {
    throw new UserError(
      `data: got images of ${height} x ${width} x ${shape.channels}, wanted square ones of 1 or 3 channels for bench`,
    );
  }
  const synthetic = {
    train: BATCHES * config.batchSize,
    test: classes,
    size: height,
    channels,
    classes,
  };
  const data = { ...config.data, name: 'synthetic', synthetic } as const;
  return { ...config, data: { ...data, subset: { train: null, test: null } } };
}

const libraries = (timings: readonly Timing[]): string[] => [
  ...new Set(timings.map(({ library, device }) => `${library} on ${device}`)),
];

async function describe(config: Config, shape: DatasetShape): Promise<string> {
  const { optimizerTitle } = await import('../catalogue/optimizers.js');
  const { model, optimizer, batchSize } = config;
  const image = `${shape.height}x${shape.width}x${shape.channels}`;
  return (
    `${model.name}${model.width === null ? '' : ` of width ${model.width}`}, ${model.precision}, ${image} images, ` +
    `${shape.classes} classes, ${optimizerTitle(optimizer.name, optimizer.adaptive)}, batch ${batchSize}`
  );
}

/** What the figures hold for; with a note where something else keeps the machine busy. */
function hardware(): string {
  const cores = os.availableParallelism();
  const memory = (os.totalmem() / 1e9).toFixed(0);
  const model = os.cpus()[0]?.model ?? os.arch();
  const [load = 0] = os.loadavg();
  const busy = `\nnote: the load average is ${load.toFixed(1)}; other programs are slowing this one, unevenly`;
  return `${model}, ${cores} cores, ${memory} GB, Node ${process.versions.node}${load > cores / 4 ? busy : ''}`;
}

async function writeJson(
  file: string,
  config: Config,
  { warmup, steps, rounds }: BenchOptions,
  rows: readonly Row[],
): Promise<void> {
  const { writeFileAtomically } = await import('../util/atomic-file.js');
  const content = { hardware: hardware(), warmup, steps, rounds, config, rows };
  await writeFileAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
}
