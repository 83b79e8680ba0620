// What a run reads, batch after batch: opened where the run stands, closed without being waited for.
import type { Closable, HostBatch, Source } from '../data/source.js';
import { required } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';
import { nextUnlessInterrupted, type Interruption } from './interruption.js';
import type { Progress } from './progress.js';

export interface Batches {
  /** The next one of the epoch under way; null where the run is interrupted before it is there. */
  next(at: Pick<Progress, 'epoch' | 'stepInEpoch'>): Promise<HostBatch | null>;
  /** Ends what reads, until one is asked for again. */
  close(): void;
}

/** @param note is told where closing fails: what was read before is good, and so is what it led to. */
export function batchesOf(
  source: Source,
  interruption: Interruption,
  note: (text: string) => void,
): Batches {
  let open: Closable<HostBatch> | null = null;
  return {
    async next({ epoch, stepInEpoch }) {
      open ??= source.batches(epoch, stepInEpoch);
      const next = await nextUnlessInterrupted(interruption, open);
      return next === null ? null : required(next.value ?? undefined, 'a batch');
    },
    close() {
      if (open !== null) close(open, note);
      open = null;
    },
  };
}

/** Not waited for: a disk that has stopped would keep the run from being saved. */
export function close(
  reading: Pick<AsyncIterator<unknown, unknown, undefined>, 'return'>,
  note: (text: string) => void,
): void {
  reading.return?.().catch((error: unknown) => {
    note(`closing what is read: ${messageOf(error)}`);
  });
}
