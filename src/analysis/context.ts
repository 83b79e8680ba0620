// What every analysis is given, and what it gives.
import { taskOf } from '../catalogue/task.js';
import type { Figure } from '../figures/render.js';
import type { BatchNormMode, Objective, ObjectiveParts } from '../session/objective.js';
import { openObjective } from '../session/objective.js';
import type { Journal } from './journal.js';
import {
  sampleSize,
  sampleSource,
  type Analysed,
  type Opened,
  type SampleOptions,
} from './opened.js';
import { UserError } from '../util/errors.js';
import type { Watch } from './watch.js';

export interface AnalysisOptions extends SampleOptions {
  readonly batchNorm: BatchNormMode;
}

/** A checkpoint under analysis. */
export interface Context {
  readonly opened: Opened;
  readonly analysed: Analysed;
  readonly options: AnalysisOptions;
  readonly journal: Journal;
  readonly signal: AbortSignal;
  /** How far some work is. */
  readonly progress: (doing: string, done: number, of: number) => void;
}

export type Row = Readonly<Record<string, string | number>>;

export interface Results {
  /** Of the CSV file, in their order. */
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  readonly figures: readonly Figure[];
  /** For the reader, a line each. */
  readonly lines: readonly string[];
}

/** What begins every row. */
export const POSITION = [
  'epoch',
  'step',
  'batch_norm',
  'batch',
  'split',
  'samples',
  'seed',
] as const;

/** @param part examples that are measured together: all, or those of a part */
export const positionOf = (
  { analysed: { record }, options: { batchNorm, batch, split, seed } }: Context,
  samples: number,
  part = samples,
): Row => ({
  epoch: record.progress.epoch,
  step: record.progress.step,
  batch_norm: batchNorm,
  // By the running statistics every image is by itself.
  batch: batchNorm === 'evaluation' ? '' : Math.min(batch, part),
  split,
  samples,
  seed,
});

/** The whole sample, and its first half where that is less. Errors: UserError where a sample is one image. */
export function halvesOf(samples: number): readonly number[] {
  if (samples > 1) return [samples, Math.ceil(samples / 2)];
  throw new UserError('--samples: got 1 image, wanted 2 at least: one has no half to compare with');
}

/** How BatchNorm normalised, in captions and lines. */
export const normalisedBy = ({ opened, options: { batchNorm } }: Context): string =>
  opened.network.statistics.size === 0 ? 'no BatchNorm' : `BatchNorm ${batchNorm}`;

/** What a sample has: `images`, `windows`. */
export const examplesOf = ({ opened }: Context): string => taskOf(opened.config).examples;

/** Pieces of different checkpoints have names of their own. */
export const prefixOf = ({ analysed: { record } }: Context): string => `${record.progress.step}/`;

/** The loss over images `range` of the sample's order; the whole sample where it is left out. */
export function objectiveOf(
  { opened, analysed, options, signal }: Context,
  asked: ObjectiveParts['asked'],
  range: readonly [number, number] = [0, sampleSize(opened, options)],
): Objective {
  return openObjective({
    network: opened.network,
    task: opened.task,
    source: sampleSource(opened, options, range),
    state: analysed.state,
    batchNorm: options.batchNorm,
    asked,
    signal,
  });
}

/** Products or losses of some work, counted. */
export const watchOf = ({ signal, progress }: Context, doing: string): Watch => ({
  signal,
  onProduct: (done, of) => {
    progress(doing, done, of);
  },
});

/** Seven digits, as metrics.csv has them. */
export const digits = (value: number): string =>
  Number.isFinite(value) ? value.toPrecision(7) : String(value);

/** The same; empty where there is none. */
export const digitsOf = (value: number | null): string => (value === null ? '' : digits(value));

/** `12.3 +- 0.4`, as far as the error is known. */
export const withError = (value: number, error: number | null): string =>
  error === null ? digits(value) : `${digits(value)} +- ${error.toPrecision(2)}`;
