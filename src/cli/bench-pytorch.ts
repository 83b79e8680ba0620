// The sides of a benchmark that a PyTorch script times, as scripts/bench_pytorch.py does.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { z } from 'zod';
import { optimizerTitle } from '../catalogue/optimizers.js';
import { networkOf } from '../catalogue/network.js';
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import { statisticsOf } from '../session/benchmark.js';
import { InternalError, UserError } from '../util/errors.js';
import { errorCode } from '../util/file-errors.js';
import { reasonOf, type Outcome, type StepCounts } from './bench-sides.js';
import { runProgram } from './program.js';

export type PytorchMode = 'channels_last' | 'default' | 'compile';

interface Pytorch {
  readonly script: string;
  readonly python: string;
}

/** The reason where there is none on this machine. */
export type FoundPytorch = Pytorch | { readonly failure: string };

export interface PytorchJob extends Pytorch, StepCounts {
  readonly mode: PytorchMode;
  readonly config: Config;
  readonly shape: DatasetShape;
  readonly device: 'cpu' | 'cuda';
  readonly threads: number;
  /** What its network must have; null where no side of fsam has told. */
  readonly parameters: number | null;
}

const GET_TORCH =
  'python3 -m venv .venv-torch && .venv-torch/bin/pip install torch, then --python .venv-torch/bin/python';

/** What the script prints for a mode. */
const pytorchLine = z.union([
  z.object({
    milliseconds: z.array(z.number()).nonempty(),
    peak_memory_mb: z.number(),
    losses: z.array(z.number()),
    parameters: z.number(),
    torch: z.string(),
    instructions: z.string(),
    threads: z.number(),
    device: z.string(),
  }),
  z.object({ failure: z.string() }),
]);

/** Times one mode of the script, which `stop` kills. */
export async function timePytorch(job: PytorchJob, stop: AbortSignal): Promise<Outcome> {
  const { stdout, ...ended } = await runProgram(
    job.python,
    [job.script, ...pytorchArguments(job)],
    stop,
  );
  if (ended.code !== 0) return { failure: reasonOf(ended) };
  const line = parsePytorch(stdout);
  if ('failure' in line) return line;
  return {
    timing: {
      ...statisticsOf(line.milliseconds, job.config.batchSize),
      milliseconds: line.milliseconds,
      peakMemory: line.peak_memory_mb,
      losses: line.losses,
      parameters: line.parameters,
      device: line.device,
      library: `PyTorch ${line.torch}, ${line.instructions}, ${line.threads} threads`,
    },
  };
}

/** The last line of `output`, checked; a UserError where the script is another kind of script. */
export function parsePytorch(output: string): z.infer<typeof pytorchLine> {
  const text = output.trim().split('\n').at(-1) ?? '';
  try {
    return pytorchLine.parse(JSON.parse(text));
  } catch {
    throw new UserError(
      `--against: the script printed ${JSON.stringify(text.slice(0, 100))}, ` +
        'wanted one JSON object a mode, as scripts/bench_pytorch.py prints',
    );
  }
}

/** Everything that the time of a step depends on. */
function pytorchArguments({ config, shape, ...job }: PytorchJob): string[] {
  const { model, optimizer } = config;
  const options = {
    model: model.name,
    ...networkOf(model).options,
    parameters: job.parameters,
    precision: model.precision,
    classes: shape.classes,
    height: shape.height,
    channels: shape.channels,
    batch: config.batchSize,
    microBatches: config.microBatches,
    optimizer: optimizerTitle(optimizer.name, optimizer.adaptive),
    base: optimizer.base,
    rho: optimizer.rho,
    sigma: optimizer.sigma,
    lambda: optimizer.lambda,
    emaOrder: optimizer.emaOrder,
    learningRate: config.schedule.learningRate,
    weightDecay: optimizer.weightDecay,
    decayed: optimizer.decayed,
    momentum: optimizer.momentum,
    nesterov: optimizer.nesterov,
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    epsilon: optimizer.epsilon,
    clipNorm: optimizer.clipNorm,
    labelSmoothing: config.labelSmoothing,
    weightAverage: config.weightAverage,
    steps: job.steps,
    warmup: job.warmup,
    modes: job.mode,
    device: job.device,
    threads: job.threads,
    endWithStdin: true,
  };
  return Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === null || value === false) return [];
    return value === true ? [flag] : [flag, String(value)];
  });
}

/**
 * Null where `python` has torch, and otherwise what is missing.
 * @throws InternalError where it starts and cannot be asked.
 */
export async function whyNoPytorch(python: string): Promise<string | null> {
  const ask =
    'import importlib.util, sys; sys.exit(3 if importlib.util.find_spec("torch") is None else 0)';
  try {
    await promisify(execFile)(python, ['-c', ask]);
    return null;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return `there is no program ${python}`;
    if ((error as { code?: unknown }).code === 3) return `${python} has no torch`;
    throw new InternalError(`${python} could not be asked for torch: ${String(error)}`);
  }
}

/**
 * Undefined where PyTorch is not asked for; the reason where this machine's Python has none.
 * @throws UserError where the script, or the Python that --python names, cannot do it.
 */
export async function findPytorch({
  against,
  ...options
}: {
  readonly against?: string;
  readonly python?: string;
}): Promise<FoundPytorch | undefined> {
  if (against === undefined) return undefined;
  if (!existsSync(against)) {
    throw new UserError(
      `--against ${against}: there is no such file, wanted scripts/bench_pytorch.py`,
    );
  }
  const python = options.python ?? process.env['FSAM_PYTHON'] ?? 'python3';
  const reason = await whyNoPytorch(python);
  if (reason === null) return { script: against, python };
  if (options.python !== undefined) {
    throw new UserError(`--python ${python}: ${reason}; to get it: ${GET_TORCH}`);
  }
  return { failure: `${reason}; to get it: ${GET_TORCH}` };
}
