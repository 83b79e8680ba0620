// The rows of timing.csv, and the stopwatch behind them: what differs from one run of a command to
// the next.
import { z } from 'zod';
import type { TaskRow } from '../catalogue/tasks.js';
import { decimals } from '../util/digits.js';
import type { Columns } from './table.js';

/** Seconds over all sittings, as far as a checkpoint has kept them. */
export const timingSchema = z.strictObject({
  totalSeconds: z.number(),
  /** The rest is of the epoch under way. */
  epochSeconds: z.number(),
  /**
   * Of the steps that count for throughput: all but the first of each process, which pays for
   * warming up.
   */
  timedImages: z.number(),
  /** What they waited for included. */
  timedSeconds: z.number(),
  /** Of the epoch under way, for batches. */
  waitingSeconds: z.number().default(0),
});
export type Timing = z.infer<typeof timingSchema>;

export const NO_TIME: Timing = {
  totalSeconds: 0,
  epochSeconds: 0,
  timedImages: 0,
  timedSeconds: 0,
  waitingSeconds: 0,
};

export interface TimingRow {
  readonly epoch: number;
  /** From the end of the epoch before: its checkpoint, training, evaluation. */
  readonly seconds: number;
  /** Examples; training steps only, with what they waited for. */
  readonly per_second: number;
  /** Until batches to train on were there. */
  readonly waiting_seconds: number;
  /** In the first row of a process: its first step, which pays for warming up. */
  readonly first_step_seconds: number | null;
  /** Resident memory of the process, in 10^6 bytes. */
  readonly memory_mb: number;
}

/** The column of what a second takes in: `images_per_second`, by what a task calls its examples. */
export const speedColumn = ({ examples }: Pick<TaskRow, 'examples'>): string =>
  `${examples}_per_second`;

/** The columns of timing.csv. */
export function timingTable(task: Pick<TaskRow, 'examples'>): Columns {
  const speed = speedColumn(task);
  return {
    all: ['epoch', 'seconds', speed, 'waiting_seconds', 'first_step_seconds', 'memory_mb'],
    optional: ['first_step_seconds'],
    needed: ['epoch', 'seconds', speed],
  };
}

/** The row as timing.csv has it. */
export function formatTiming(
  row: TimingRow,
  task: Pick<TaskRow, 'examples'>,
): Record<string, string> {
  return {
    epoch: String(row.epoch),
    seconds: row.seconds.toFixed(3),
    [speedColumn(task)]: decimals(row.per_second, 1),
    waiting_seconds: row.waiting_seconds.toFixed(3),
    first_step_seconds: row.first_step_seconds?.toFixed(3) ?? '',
    memory_mb: row.memory_mb.toFixed(1),
  };
}

/** Counts on from where `before` stopped. */
export class Stopwatch {
  readonly #before: Timing;
  readonly #start = performance.now();
  #epochStart = this.#start;
  #epochSecondsBefore: number;
  #timed: { readonly images: number; readonly seconds: number };
  #waitingSeconds: number;
  /** Of that, what the next step waits for. */
  #waitedForNext = 0;
  #preparedForNext = 0;
  /** The first step of this process. */
  #first: { readonly images: number; readonly seconds: number } | null = null;
  #firstReported = false;

  constructor(before: Timing) {
    this.#before = before;
    this.#epochSecondsBefore = before.epochSeconds;
    this.#timed = { images: before.timedImages, seconds: before.timedSeconds };
    this.#waitingSeconds = before.waitingSeconds;
  }

  /** What `work` comes to, which is part of the next step. */
  async prepare<T>(work: Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work;
    this.#preparedForNext = secondsSince(start);
    return result;
  }

  /** What `batch` comes to, which the next step needs. */
  async waitFor<T>(batch: Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await batch;
    this.#waitedForNext = secondsSince(start);
    this.#waitingSeconds += this.#waitedForNext;
    return result;
  }

  /** Runs one training step on `images` images. */
  step<T>(images: number, run: () => T): T {
    const start = performance.now();
    const result = run();
    const seconds = secondsSince(start);
    if (this.#first === null) this.#first = { images, seconds };
    else
      this.#timed = {
        images: this.#timed.images + images,
        seconds: this.#timed.seconds + this.#preparedForNext + this.#waitedForNext + seconds,
      };
    this.#preparedForNext = 0;
    return result;
  }

  /** Over the epoch so far; of the first step where there is no other. */
  imagesPerSecond(): number {
    const { images, seconds } = this.#timed.images > 0 ? this.#timed : (this.#first ?? this.#timed);
    return seconds > 0 ? images / seconds : 0;
  }

  now(): Timing {
    return {
      totalSeconds: this.#before.totalSeconds + secondsSince(this.#start),
      epochSeconds: this.#epochSecondsBefore + secondsSince(this.#epochStart),
      timedImages: this.#timed.images,
      timedSeconds: this.#timed.seconds,
      waitingSeconds: this.#waitingSeconds,
    };
  }

  /** The row of the epoch that ends now; the next one begins. */
  endEpoch(epoch: number): TimingRow {
    const row: TimingRow = {
      epoch,
      seconds: this.now().epochSeconds,
      per_second: this.imagesPerSecond(),
      waiting_seconds: this.#waitingSeconds,
      first_step_seconds: this.#firstReported ? null : (this.#first?.seconds ?? null),
      memory_mb: process.memoryUsage.rss() / 1e6,
    };
    this.#firstReported ||= this.#first !== null;
    this.#epochStart = performance.now();
    this.#epochSecondsBefore = 0;
    this.#timed = { images: 0, seconds: 0 };
    this.#waitingSeconds = 0;
    return row;
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
