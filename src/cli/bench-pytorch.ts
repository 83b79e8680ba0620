// The sides of a benchmark that a PyTorch script times, as scripts/bench_pytorch.py does.
import { z } from 'zod';
import { optimizerTitle } from '../catalogue/optimizers.js';
import { networkOf } from '../catalogue/network.js';
import type { Options } from '../catalogue/networks.js';
import type { Config } from '../catalogue/schema.js';
import { isText, type DatasetShape } from '../data/dataset.js';
import { networkInput } from '../data/resize.js';
import { statisticsOf } from '../session/benchmark.js';
import { UserError } from '../util/errors.js';
import { flagsOf, parseAnswer, type PythonScript, type Wanted } from './bench-python.js';
import { reasonOf, type Outcome, type StepCounts } from './bench-sides.js';
import { runProgram } from './program.js';

export type PytorchMode = 'channels_last' | 'default' | 'compile';

export const PYTORCH: Wanted = { script: 'scripts/bench_pytorch.py', modules: ['torch'] };

export interface PytorchJob extends PythonScript, StepCounts {
  readonly mode: PytorchMode;
  readonly config: Config;
  readonly shape: DatasetShape;
  readonly device: 'cpu' | 'cuda';
  readonly threads: number;
  /** What its network must have; null where no side of fsam has told. */
  readonly parameters: number | null;
}

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
export const parsePytorch = (output: string): z.infer<typeof pytorchLine> =>
  parseAnswer(pytorchLine, output, PYTORCH.script);

/** What the script has no counterpart of. */
function refuseSideBySide({ devices, microBatches, optimizer }: Config): void {
  const refuse = (key: string, got: string, wanted: string): never => {
    throw new UserError(
      `${key}: got ${got}, which ${PYTORCH.script} does not do; wanted ${wanted}`,
    );
  };
  if (devices > 1) refuse('devices', `${devices}`, '1 with --against');
  if (optimizer.layerDecay !== null) {
    refuse('optimizer.layerDecay', `${optimizer.layerDecay}`, 'null with --against');
  }
  if (microBatches > 1 && optimizer.perturbation === 'shared') {
    refuse('optimizer.perturbation', 'shared', 'own with --against');
  }
}

/** Those of its family; what is usual there needs no flag. */
function networkOptions(model: Config['model']) {
  const { bias, tied, ...options }: Partial<Options> = networkOf(model).options;
  return { ...options, noBias: bias === false, noTied: tied === false };
}

/** Everything that the time of a step depends on. */
function pytorchArguments({ config, shape, ...job }: PytorchJob): string[] {
  const { model, optimizer } = config;
  refuseSideBySide(config);
  const input = networkInput(config.data, shape);
  const options = {
    model: model.name,
    ...networkOptions(model),
    parameters: job.parameters,
    precision: model.precision,
    noTf32: !config.tf32,
    classes: shape.classes,
    ...(isText(input)
      ? { context: input.context }
      : { height: input.height, channels: input.channels }),
    batch: config.batchSize,
    microBatches: config.microBatches,
    optimizer: optimizerTitle(optimizer.name, optimizer.adaptive),
    base: optimizer.base,
    rho: optimizer.rho,
    perturb: optimizer.perturb,
    rhoSchedule: optimizer.rhoSchedule,
    rhoMin: optimizer.rhoMin,
    theta: optimizer.theta,
    alpha: optimizer.alpha,
    minimize: optimizer.minimize,
    every: optimizer.every,
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
  return flagsOf(options);
}
