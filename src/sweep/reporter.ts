// What a sweep tells while it goes on; the command line words it, tests collect it.
import type { EvaluationRow } from '../catalogue/task.js';
import type { StopSignal } from '../util/stop-signals.js';
import type { ExpectedTime, KeptThreads } from './outlook.js';
import type { QueuedPoint } from './queue.js';
import type { Standing } from './standing.js';

/** How far the points chosen are. */
export interface Standings {
  /** Of the sweep. */
  readonly name: string;
  readonly folder: string;
  readonly standings: readonly Standing[];
  /** Those in Slurm's queue, by name, where it was asked. */
  readonly queued: ReadonlyMap<string, QueuedPoint>;
}

export type PointResult =
  /** What it is judged by, after the last epoch and at the best one. */
  | {
      readonly kind: 'done';
      readonly measure: EvaluationRow;
      readonly last: number;
      readonly best: number;
    }
  | { readonly kind: 'interrupted'; readonly signal: StopSignal }
  | { readonly kind: 'failed'; readonly reason: string };

export interface PointEnd {
  readonly name: string;
  readonly result: PointResult;
  readonly seconds: number;
  /** How many have ended, this one among them, of those that `begin` told. */
  readonly ended: number;
  readonly of: number;
}

interface SubmittedArray {
  /** Slurm's id. */
  readonly array: string;
  readonly tasks: number;
  /** The folder of their logs. */
  readonly logs: string;
}

export interface SweepReporter {
  /** A remark worth a line. */
  note(text: string): void;
  /** Slurm could not be asked. */
  queueUnknown(reason: string): void;
  /** Told once, before anything is done. */
  standings(standings: Standings): void;
  /** Points that go on with other threads than `threads`, which the rest take. */
  keptThreads(threads: number, kept: readonly KeptThreads[]): void;
  expectedTime(time: ExpectedTime): void;

  /** Points begin to run here. */
  begin(points: number): void;
  /** A signal asks all of them to save and leave. */
  stopping(signal: StopSignal): void;
  pointEnd(end: PointEnd): void;
  /** No point runs any more; told also where none could begin. */
  end(): void;

  /** Of an array that is not submitted. */
  script(text: string): void;
  /** Every point is done, invalid or in the queue. */
  nothingToSubmit(): void;
  arraySubmitted(array: SubmittedArray): void;
  /** After the last array. */
  allSubmitted(): void;
}
