// What a run tells while it goes on; the command line shows it, tests collect it.
import type { BestBy, MetricsRow } from './metrics.js';

/** Said once, before the first step. */
export interface RunStart {
  readonly folder: string;
  readonly parameters: number;
  readonly device: string;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Steps done already, by the run that this one resumes; 0 for a new run. */
  readonly stepsDone: number;
  /** Seconds from the start of the command to here. */
  readonly preparationSeconds: number;
}

/** Said after every step; running means over the epoch so far. */
export interface StepProgress {
  readonly epoch: number;
  readonly stepInEpoch: number;
  readonly stepsPerEpoch: number;
  readonly loss: number;
  /** Percent. */
  readonly accuracy: number;
  readonly imagesPerSecond: number;
}

export interface RunEnd {
  readonly folder: string;
  readonly lastTestAccuracy: number;
  /** At the best epoch. */
  readonly bestTestAccuracy: number;
  /** From 1. */
  readonly bestEpoch: number;
  /** What the best epoch was chosen by. */
  readonly bestBy: BestBy;
  readonly totalSeconds: number;
}

export interface Reporter {
  start(run: RunStart): void;
  step(progress: StepProgress): void;
  epoch(row: MetricsRow, seconds: number, imagesPerSecond: number): void;
  /** A remark worth a line: resumed from where, checkpoint skipped and why. */
  note(text: string): void;
  end(run: RunEnd): void;
}
