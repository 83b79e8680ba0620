// The sides of a benchmark, each timed in a process of its own, so that its peak memory is its own.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { optimizerTitle } from '../catalogue/variants.js';
import type { Config } from '../config/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import type { EngineOptions } from '../train/engine.js';
import type { StepSummary } from '../train/benchmark.js';
import { InternalError, UserError } from '../util/errors.js';
import { errorCode } from '../util/file-errors.js';
import { sharingHangUp } from '../util/stop-signals.js';
import { askWorker } from './worker.js';

/**
 * The best of them that needs no compiler first: the one to compare with runs right after fsam's.
 */
export const PYTORCH_MODES = ['channels_last', 'default', 'compile'] as const;

interface StepCounts {
  /** Steps before the measured ones. */
  readonly warmup: number;
  /** Measured steps. */
  readonly steps: number;
}

/** What a process tells of the steps that it ran. */
export interface Timing extends StepSummary {
  /** Largest resident memory of the process, in MB (10^6 bytes). */
  readonly peakMemory: number;
  /** Of the first steps, warm-up included. */
  readonly losses: readonly number[];
  readonly device: string;
  /** Version of the library that computed, and whatever else is worth knowing. */
  readonly library: string;
}

export type Outcome = { readonly timing: Timing } | { readonly failure: string };

/** Told to the process of bench-worker.ts. */
export interface Job extends StepCounts {
  /** Its data set is a synthetic one. */
  readonly config: Config;
  readonly mode: EngineOptions['mode'];
}

/** What the process of bench-worker.ts answers. */
export type Answer = Outcome | { readonly userError: string };

/**
 * Times `job.mode` of this program in a Node process.
 * @throws UserError where the process finds a mistake of the user's, such as a GPU that is not
 *   there.
 */
export async function timeFsam(job: Job): Promise<Outcome> {
  const file = new URL('./bench-worker.js', import.meta.url);
  const answer = await askWorker<Answer>(file, job, ({ code, signal, complaint }) => ({
    failure: reasonOf(code, signal, complaint),
  }));
  if ('userError' in answer) throw new UserError(answer.userError);
  return answer;
}

function reasonOf(code: number | null, signal: string | null, complaint: string): string {
  const last = complaint.trim().split('\n').at(-1) ?? '';
  if (signal === 'SIGKILL') return 'killed by SIGKILL: the machine may have run out of memory';
  return [signal ?? `exit code ${code ?? '?'}`, last].filter(Boolean).join(': ');
}

/** What a PyTorch script prints for a mode, as scripts/bench_pytorch.py does. */
const pytorchLine = z.union([
  z.object({
    ms_median: z.number(),
    ms_min: z.number(),
    ms_p90: z.number(),
    images_per_second: z.number(),
    peak_memory_mb: z.number(),
    losses: z.array(z.number()),
    torch: z.string(),
    threads: z.number(),
    device: z.string(),
  }),
  z.object({ skipped: z.string() }),
]);

export interface PytorchJob extends StepCounts {
  readonly python: string;
  readonly script: string;
  readonly mode: (typeof PYTORCH_MODES)[number];
  readonly config: Config;
  readonly shape: DatasetShape;
  readonly device: 'cpu' | 'cuda';
}

/** Times one mode of the PyTorch script. */
export async function timePytorch(job: PytorchJob): Promise<Outcome> {
  let output: string;
  try {
    const { program, args } = sharingHangUp(job.python, [job.script, ...pytorchArguments(job)]);
    output = (await promisify(execFile)(program, args)).stdout;
  } catch (error) {
    const { code, signal, stderr } = error as { code?: number; signal?: string; stderr?: string };
    return { failure: reasonOf(code ?? null, signal ?? null, stderr ?? String(error)) };
  }
  const line = parsePytorch(output);
  if ('skipped' in line) return { failure: line.skipped };
  return {
    timing: {
      median: line.ms_median,
      min: line.ms_min,
      p90: line.ms_p90,
      imagesPerSecond: line.images_per_second,
      peakMemory: line.peak_memory_mb,
      losses: line.losses,
      device: line.device,
      library: `PyTorch ${line.torch}, ${line.threads} threads`,
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

function pytorchArguments({ config, shape, ...job }: PytorchJob): string[] {
  const { model, optimizer, batchSize } = config;
  const options = {
    model: model.name,
    ...(model.width === null ? {} : { width: model.width }),
    precision: model.precision,
    classes: shape.classes,
    height: shape.height,
    channels: shape.channels,
    batch: batchSize,
    optimizer: optimizerTitle(optimizer.name, optimizer.adaptive),
    base: optimizer.base,
    steps: job.steps,
    warmup: job.warmup,
    modes: job.mode,
    device: job.device,
  };
  return Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
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
