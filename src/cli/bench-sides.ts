// A side of a benchmark, timed in a process of its own, so that its peak memory is its own.
import type { Config } from '../catalogue/schema.js';
import type { EngineOptions } from '../train/engine.js';
import type { StepSummary } from '../train/benchmark.js';
import { UserError } from '../util/errors.js';
import { askWorker } from './worker.js';
import type { Silence } from './program.js';

export interface StepCounts {
  /** Steps before the measured ones. */
  readonly warmup: number;
  /** Measured steps. */
  readonly steps: number;
}

/** What a process tells of the steps that it ran. */
export interface Timing extends StepSummary {
  /** One a measured step, in the order they ran. */
  readonly milliseconds: readonly number[];
  /** Largest resident memory of the process, in MB (10^6 bytes). */
  readonly peakMemory: number;
  /** Of the first steps, warm-up included. */
  readonly losses: readonly number[];
  /** Of the network. */
  readonly parameters: number;
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
 * Times `job.mode` of this program in a Node process, which `stop` kills.
 * @throws UserError where the process finds a mistake of the user's, such as a GPU that is not
 *   there.
 */
export async function timeFsam(job: Job, stop: AbortSignal): Promise<Outcome> {
  const file = new URL('./bench-worker.js', import.meta.url);
  const silent = (silence: Silence) => ({ failure: reasonOf(silence) });
  const answer = await askWorker<Answer>(file, job, silent, stop);
  if ('userError' in answer) throw new UserError(answer.userError);
  return answer;
}

/** One line on how a process ended that gave no figures. */
export function reasonOf({ code, signal, complaint }: Silence): string {
  const last = complaint.trim().split('\n').at(-1) ?? '';
  if (signal === 'SIGKILL') return 'killed by SIGKILL: the machine may have run out of memory';
  return [signal ?? `exit code ${code ?? '?'}`, last].filter(Boolean).join(': ');
}
