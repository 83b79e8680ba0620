// Threads that read pictures, started when they are first needed and kept for later passes.
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InternalError, required, RunError, UserError } from '../../util/errors.js';
import { messageOf } from '../../util/file-errors.js';
import type { SkippedImage } from '../dataset.js';
import type { Job, WorkerMessage } from './picture-worker.js';
import {
  batchMayBeFull,
  endRing,
  fullBatch,
  handOn,
  replacedIn,
  turnsTaken,
  type Ring,
} from './ring.js';

/** How often a waiting pass looks whether its threads get on. */
const LOOK_MILLISECONDS = 1000;

/** What takes so long that a thread must have stopped, or the disk: none of them has begun a picture. */
const STUCK_MILLISECONDS = 30_000;

export interface Pool {
  readonly threads: number;
  /** Lets all threads work on a pass, of which there is one at a time. */
  begin(job: Omit<Job, 'id'>): Pass;
}

interface CurrentPass {
  readonly id: number;
  readonly fail: (error: Error) => void;
  /** Told of by its threads, by record. */
  readonly skipped: Map<number, SkippedImage>;
}

/** A pass over pictures under way. */
interface Pass {
  /**
   * The pixels of batch `batch`; those of the one before may be overwritten from now on.
   *
   * Errors: UserError for a picture or file that cannot be read; RunError where a thread ended or
   * nothing came for half a minute.
   */
  batch(batch: number): Promise<Uint8Array>;
  /** The records of a batch that was given which could not be read and gave way to others. */
  skippedIn(batch: number): Promise<ReadonlyMap<number, SkippedImage>>;
  /** What is still waited for of it fails. */
  end(): void;
}

export function createPool(threads: number): Pool {
  let workers: readonly Worker[] = [];
  let passes = 0;
  let current: CurrentPass | null = null;

  const fail = (error: Error): void => current?.fail(error);
  const start = (): Worker => {
    const worker = new Worker(new URL('./picture-worker.js', import.meta.url));
    worker.on('message', (message: WorkerMessage) => {
      if (message.id !== current?.id) return;
      if (message.kind === 'skipped') current.skipped.set(message.record, message.image);
      else fail(message.user ? new UserError(message.message) : new RunError(message.message));
    });
    worker.on('error', (error) => fail(new RunError(`reading pictures: ${messageOf(error)}`)));
    worker.on('exit', () => {
      workers = workers.filter((one) => one !== worker);
      fail(new RunError('a thread that read pictures has ended'));
    });
    return worker;
  };

  return {
    threads,
    begin(job) {
      if (current !== null) throw new InternalError('two passes over pictures at a time');
      // All of them at first; later those that have ended since.
      workers = [...workers, ...Array.from({ length: threads - workers.length }, start)];
      const id = ++passes;
      let failed: Error | null = null;
      let wake = (): void => undefined;
      const failure = new Promise<void>((resolve) => (wake = resolve));
      const skipped = new Map<number, SkippedImage>();
      const failPass = (error: Error): void => {
        failed ??= error;
        wake();
      };
      current = { id, skipped, fail: failPass };
      for (const worker of workers) {
        // Only while a pass waits for them do they keep the process alive.
        worker.ref();
        worker.postMessage({ ...job, id } satisfies Job);
      }
      const refuseFailed = (): void => {
        if (failed !== null) throw failed;
      };
      return {
        async batch(batch) {
          if (batch > 0) handOn(job.ring, batch - 1);
          const stuck = stuckDetector(job.ring);
          for (;;) {
            refuseFailed();
            const pixels = fullBatch(job.ring, batch);
            if (pixels !== null) return pixels;
            stuck();
            await Promise.race([batchMayBeFull(job.ring, batch, LOOK_MILLISECONDS), failure]);
          }
        },
        async skippedIn(batch) {
          const found = new Map<number, SkippedImage>();
          for (const record of replacedIn(job.ring, batch)) {
            // The thread has told of it before it was done; the message may still be on its way.
            while (!skipped.has(record)) {
              refuseFailed();
              await setImmediate();
            }
            found.set(record, required(skipped.get(record), 'what is wrong with a record'));
          }
          return found;
        },
        end: () => {
          endRing(job.ring);
          failPass(
            new InternalError('a batch was asked for of a pass over pictures that has ended'),
          );
          if (current?.id !== id) return;
          current = null;
          for (const worker of workers) worker.unref();
        },
      };
    },
  };
}

/** Throws where no thread has begun a picture for too long. */
function stuckDetector(ring: Ring): () => void {
  let [turns, since] = [turnsTaken(ring), performance.now()];
  return () => {
    const now = turnsTaken(ring);
    if (now !== turns) [turns, since] = [now, performance.now()];
    if (performance.now() - since < STUCK_MILLISECONDS) return;
    throw new RunError(
      `reading pictures: nothing was read for ${STUCK_MILLISECONDS / 1000} seconds; is the disk, or the network that it is on, still there?`,
    );
  };
}
