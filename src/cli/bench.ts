// fsam bench: how long a training step takes, compiled and not, and beside PyTorch on the same
// machine.
import { existsSync } from 'node:fs';
import os from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Config } from '../config/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import type { EngineOptions } from '../train/engine.js';
import { RunError, UserError } from '../util/errors.js';
import type { Outcome } from './bench-sides.js';
import type { Row } from './bench-table.js';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { print } from './output.js';
import { threadNumber } from './whole-number.js';

type Mode = EngineOptions['mode'];

interface BenchOptions extends ConfigOptions {
  readonly batch?: number;
  readonly steps: number;
  readonly warmup: number;
  readonly modes: readonly Mode[];
  readonly against?: string;
  readonly python?: string;
  readonly json?: string;
  readonly threads?: number;
}

const MODES: readonly Mode[] = ['stock', 'eager', 'compiled'];
const HELP = `
stock: tfjs's own operations one by one; eager: fsam's operations one by one; compiled: one call of TensorFlow a step.
Images are synthetic, in the shape of the configuration's set. Leave the machine alone while it runs.`;
const GET_TORCH =
  'python3 -m venv .venv-torch && .venv-torch/bin/pip install torch, then --python .venv-torch/bin/python';
/** Batches of images that the steps go round. */
const BATCHES = 4;

export function registerBench(program: Command): void {
  addConfigOptions(program.command('bench'))
    .description('Times training steps: stock tfjs, eager, compiled, and PyTorch beside them.')
    .option('--batch <n>', 'images a step (default: batchSize of the configuration)', count)
    .option('--steps <n>', 'measured steps', count, 10)
    .option('--warmup <n>', 'steps before the measured ones', count, 3)
    .addOption(new Option('--modes <mode...>', 'how fsam runs').choices(MODES).default(MODES))
    .option('--against <script>', 'PyTorch program to time too: scripts/bench_pytorch.py')
    .option('--python <python>', 'Python that has torch (default: $FSAM_PYTHON or python3)')
    .option('--threads <n>', 'threads of each side (default: every core)', threadNumber)
    .option('--json <file>', 'also write every figure there')
    .addHelpText('after', HELP)
    .action(bench);
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Wanted a whole number of 1 or more.');
}

/**
 * 1. Read the configuration and put a synthetic set in the place of its own.
 * 2. Time the sides, one process after another.
 * 3. Print the table.
 * @throws RunError, after the table, where a mode of fsam failed; a failure of PyTorch is a line of
 *   the table.
 */
async function bench(options: BenchOptions): Promise<void> {
  if (options.threads !== undefined) {
    const { useThreads } = await import('../native/threads.js');
    // Every side's process inherits it.
    useThreads(options.threads);
  }
  const { config, shape } = await prepare(options);
  const pytorch = await findPytorch(options, config);
  print(await describe(config, shape, options));
  print(hardware());

  const rows: Row[] = [];
  for (const side of await sides(config, shape, options, pytorch, () => rows)) {
    if (process.stderr.isTTY) process.stderr.write(`timing ${side.name} ...\n`);
    rows.push({ name: side.name, outcome: await side.time() });
  }

  const { benchTable } = await import('./bench-table.js');
  print(`\n${benchTable(rows)}\n`);
  for (const line of libraries(rows)) print(line);
  if (pytorch !== null)
    print("PyTorch's images need no augmentation; fsam's step augments its own.");
  if (options.json !== undefined) await writeJson(options.json, config, options, rows);
  const failed = rows.filter(
    ({ name, outcome }) => 'failure' in outcome && name.startsWith('fsam'),
  );
  if (failed.length > 0) {
    throw new RunError(
      `bench: ${failed.map(({ name }) => name).join(', ')} did not run, see above`,
    );
  }
}

async function prepare({ batch, ...options }: BenchOptions) {
  if (options.json !== undefined) {
    const { refuseOthersFile } = await import('../util/output-file.js');
    await refuseOthersFile('--json', options.json, ['hardware', 'rows']);
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

interface Pytorch {
  readonly script: string;
  readonly python: string;
}

/** Null, with a line that says why, where PyTorch is not asked for or not there. */
async function findPytorch(
  { against, ...options }: BenchOptions,
  { model }: Config,
): Promise<Pytorch | null> {
  if (against === undefined) {
    print('PyTorch is left out; --against scripts/bench_pytorch.py times it too.');
    return null;
  }
  if (!existsSync(against)) {
    throw new UserError(
      `--against ${against}: there is no such file, wanted scripts/bench_pytorch.py`,
    );
  }
  if (model.name !== 'resnet18') {
    print(`PyTorch is left out: ${against} builds resnet18 alone, not ${model.name}.`);
    return null;
  }
  const python = options.python ?? process.env['FSAM_PYTHON'] ?? 'python3';
  const { whyNoPytorch } = await import('./bench-sides.js');
  const reason = await whyNoPytorch(python);
  if (reason === null) return { script: against, python };
  if (options.python !== undefined) {
    throw new UserError(`--python ${python}: ${reason}; to get it: ${GET_TORCH}`);
  }
  print(`PyTorch is left out: ${reason}. To get it: ${GET_TORCH}`);
  return null;
}

interface Side {
  readonly name: string;
  readonly time: () => Promise<Outcome>;
}

/** In the order they run: compiled and PyTorch's best, which are compared, one after the other. */
async function sides(
  config: Config,
  shape: DatasetShape,
  { modes, warmup, steps }: BenchOptions,
  pytorch: Pytorch | null,
  timed: () => readonly Row[],
): Promise<Side[]> {
  const { timeFsam, timePytorch, PYTORCH_MODES } = await import('./bench-sides.js');
  const counts = { warmup, steps };
  const own = MODES.filter((mode) => modes.includes(mode)).map((mode) => ({
    name: `fsam ${mode}`,
    time: () => timeFsam({ config, mode, ...counts }),
  }));
  if (pytorch === null) return own;
  const theirs = PYTORCH_MODES.map((mode) => ({
    name: `pytorch ${mode}`,
    time: () => {
      const device = usedGpu(timed()) ? 'cuda' : 'cpu';
      return timePytorch({ ...pytorch, mode, config, shape, device, ...counts });
    },
  }));
  return [...own, ...theirs];
}

const timings = (rows: readonly Row[]) =>
  rows.flatMap(({ outcome }) => ('timing' in outcome ? [outcome.timing] : []));

const usedGpu = (rows: readonly Row[]): boolean =>
  timings(rows).some(({ device }) => device === 'GPU');

const libraries = (rows: readonly Row[]): string[] => [
  ...new Set(timings(rows).map(({ library, device }) => `${library} on ${device}`)),
];

async function describe(
  config: Config,
  shape: DatasetShape,
  { warmup, steps }: BenchOptions,
): Promise<string> {
  const { optimizerTitle } = await import('../catalogue/variants.js');
  const { model, optimizer, batchSize } = config;
  const image = `${shape.height}x${shape.width}x${shape.channels}`;
  return (
    `${model.name}${model.width === null ? '' : ` of width ${model.width}`}, ${model.precision}, ${image} images, ` +
    `${shape.classes} classes, ${optimizerTitle(optimizer.name, optimizer.adaptive)}, ` +
    `batch ${batchSize}: median of ${steps} steps after ${warmup} of warm-up`
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
  { warmup, steps }: BenchOptions,
  rows: readonly Row[],
): Promise<void> {
  const { writeFileAtomically } = await import('../util/atomic-file.js');
  const content = { hardware: hardware(), warmup, steps, config, rows };
  await writeFileAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
}
