// What a run tells while it goes on; the command line shows it, tests collect it.
import type { OnIndexing } from '../data/records/build-index.js';
import type { Best, MeasureRow, TrainingRow } from '../catalogue/task.js';

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
  /** What is counted by the second: `images`, `windows`. */
  readonly examples: string;
}

/** A measure with its number, in its unit. */
export interface Told<M extends MeasureRow = MeasureRow> {
  readonly measure: M;
  readonly value: number;
}

/** Said after every step. */
export interface StepProgress {
  readonly epoch: number;
  readonly stepInEpoch: number;
  readonly stepsPerEpoch: number;
  /** Means over the epoch so far, of the measures that run. */
  readonly running: readonly Told<TrainingRow>[];
  readonly imagesPerSecond: number;
}

/** Said after every epoch. */
export interface EpochEnd {
  /** From 1. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Of the measures that the console shows, in the order of their columns. */
  readonly measured: readonly Told[];
  /** What runs are judged by, of the test set at the best epoch so far. */
  readonly best: Told;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

export interface RunEnd {
  readonly folder: string;
  /** What runs are judged by, and what their best epoch is chosen by. */
  readonly judged: Best;
  /** Of the test set, after the last epoch. */
  readonly last: number;
  /** At the best epoch. */
  readonly best: number;
  /** From 1. */
  readonly bestEpoch: number;
  readonly totalSeconds: number;
}

export interface Reporter {
  /** Said while the index of a set is made, before the start. */
  readonly indexing: OnIndexing;
  start(run: RunStart): void;
  step(progress: StepProgress): void;
  epoch(epoch: EpochEnd): void;
  /** A remark worth a line: resumed from where, checkpoint skipped and why. */
  readonly note: (text: string) => void;
  end(run: RunEnd): void;
}
