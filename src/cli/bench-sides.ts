// A side of a benchmark, timed in a process of its own, so that its peak memory is its own.
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import type { EngineOptions } from '../tasks/engine.js';
import type { StepStatistics } from '../session/benchmark.js';
import type { StepProfile } from '../session/profile-steps.js';
import { UserError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';
import type { Failure, Row } from './bench-turns.js';
import { answerJob, askWorker } from './worker.js';
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

export interface Timed {
  readonly timing: Timing;
}

export type Outcome = Timed | Failure;

export type TimedRow = Row<Timed>;

/** Told to the process of bench-worker.ts. */
interface Job<Task> extends StepCounts {
  readonly task: Task;
  readonly config: Config;
  /** Of the synthetic images that stand in for its set. */
  readonly shape: DatasetShape;
  readonly mode: EngineOptions['mode'];
}
type TimeJob = Job<'time'>;
export type ProfileJob = Job<'profile'>;
export type AnyJob = TimeJob | ProfileJob;

/** What the process of bench-worker.ts tells of profiled steps. */
export interface Profiled extends StepProfile {
  readonly library: string;
}

/** What a process answers. */
type Answer<Found> = Found | Failure | { readonly userError: string };
export type Found = Timed | { readonly profile: Profiled };

/**
 * Times `job.mode` of this program in a Node process, which `stop` kills.
 * @throws UserError where the process finds a mistake of the user's, such as a GPU that is not
 *   there.
 */
export function timeFsam(job: Omit<TimeJob, 'task'>, stop: AbortSignal): Promise<Outcome> {
  return askBench<Timed>(WORKER, { ...job, task: 'time' } satisfies TimeJob, stop);
}

/** The same, of where the time of its steps goes. */
export function profileFsam(
  job: Omit<ProfileJob, 'task' | 'mode'>,
  stop: AbortSignal,
): Promise<{ readonly profile: Profiled } | Failure> {
  const whole: ProfileJob = { ...job, task: 'profile', mode: 'compiled' };
  return askBench<{ readonly profile: Profiled }>(WORKER, whole, stop);
}

const WORKER = new URL('./bench-worker.js', import.meta.url);

/**
 * What the process of the program at `file` finds, which answers with an `Answer`.
 *
 * @throws UserError where the process finds a mistake of the user's.
 */
export async function askBench<Found extends object>(
  file: URL,
  job: object,
  stop: AbortSignal,
): Promise<Found | Failure> {
  const silent = (silence: Silence) => ({ failure: reasonOf(silence) });
  const answer = await askWorker<Answer<Found>>(file, job, silent, stop);
  if ('userError' in answer) throw new UserError(answer.userError);
  return answer;
}

/** The other side of `askBench`: does the one job, and tells what keeps it from that. */
export function answerBench(work: (job: never) => Promise<object>): void {
  answerJob(async (job): Promise<Answer<object>> => {
    try {
      return await work(job);
    } catch (error) {
      if (error instanceof UserError) return { userError: error.message };
      return { failure: messageOf(error) };
    }
  });
}

/** One line on how a process ended that gave no figures. */
export function reasonOf({ code, signal, complaint }: Silence): string {
  const last = complaint.trim().split('\n').at(-1) ?? '';
  if (signal === 'SIGKILL') return 'killed by SIGKILL: the machine may have run out of memory';
  return [signal ?? `exit code ${code ?? '?'}`, last].filter(Boolean).join(': ');
}
