// What a run tells while it goes on; the command line shows it, tests collect it.
import type { Measure, TrainingMeasure } from '../session/measure.js';
import type { BestBy } from './metrics.js';

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

/** A measure with its number, in its unit. */
export interface Told<M extends Measure = Measure> {
  readonly measure: M;
  readonly value: number;
}

/** Said after every step. */
export interface StepProgress {
  readonly epoch: number;
  readonly stepInEpoch: number;
  readonly stepsPerEpoch: number;
  /** Means over the epoch so far, of the measures that run. */
  readonly running: readonly Told<TrainingMeasure>[];
  readonly imagesPerSecond: number;
}

/** Said after every epoch. */
export interface EpochEnd {
  /** From 1. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Of the measures that the console shows, in the order of their columns. */
  readonly measured: readonly Told[];
  /** In percent, at the best epoch so far. */
  readonly bestTestAccuracy: number;
  readonly seconds: number;
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
  epoch(epoch: EpochEnd): void;
  /** A remark worth a line: resumed from where, checkpoint skipped and why. */
  readonly note: (text: string) => void;
  end(run: RunEnd): void;
}
