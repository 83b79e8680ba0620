// A side of a benchmark, timed in a process of its own, so that its peak memory is its own.
import type { Config } from '../catalogue/schema.js';
import type { EngineOptions } from '../tasks/engine.js';
import type { StepStatistics } from '../session/benchmark.js';
import type { StepProfile } from '../session/profile-steps.js';
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
export interface Timing extends StepStatistics {
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
interface Job<Task> extends StepCounts {
  readonly task: Task;
  /** Its data set is a synthetic one. */
  readonly config: Config;
  readonly mode: EngineOptions['mode'];
}
type TimeJob = Job<'time'>;
export type ProfileJob = Job<'profile'>;
export type AnyJob = TimeJob | ProfileJob;

/** What the process of bench-worker.ts tells of profiled steps. */
export interface Profiled extends StepProfile {
  readonly library: string;
}

/** What the process of bench-worker.ts answers. */
export type Answer<Found> = Found | { readonly failure: string } | { readonly userError: string };
export type Found = { readonly timing: Timing } | { readonly profile: Profiled };

/**
 * Times `job.mode` of this program in a Node process, which `stop` kills.
 * @throws UserError where the process finds a mistake of the user's, such as a GPU that is not
 *   there.
 */
export function timeFsam(job: Omit<TimeJob, 'task'>, stop: AbortSignal): Promise<Outcome> {
  return ask<{ readonly timing: Timing }>({ ...job, task: 'time' }, stop);
}

/** The same, of where the time of its steps goes. */
export function profileFsam(
  job: StepCounts & Pick<ProfileJob, 'config'>,
  stop: AbortSignal,
): Promise<{ readonly profile: Profiled } | { readonly failure: string }> {
  return ask<{ readonly profile: Profiled }>({ ...job, task: 'profile', mode: 'compiled' }, stop);
}

async function ask<Found extends object>(
  job: AnyJob,
  stop: AbortSignal,
): Promise<Found | { readonly failure: string }> {
  const file = new URL('./bench-worker.js', import.meta.url);
  const silent = (silence: Silence) => ({ failure: reasonOf(silence) });
  const answer = await askWorker<Answer<Found>>(file, job, silent, stop);
  if ('userError' in answer) throw new UserError(answer.userError);
  return answer;
}

/** One line on how a process ended that gave no figures. */
export function reasonOf({ code, signal, complaint }: Silence): string {
  const last = complaint.trim().split('\n').at(-1) ?? '';
  if (signal === 'SIGKILL') return 'killed by SIGKILL: the machine may have run out of memory';
  return [signal ?? `exit code ${code ?? '?'}`, last].filter(Boolean).join(': ');
}
