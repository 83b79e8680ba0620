// Whether a signal asks a run to end, and work that does not keep it waiting.
import { setImmediate } from 'node:timers/promises';
import type { StopSignal } from '../util/stop-signals.js';

/** Set by a signal handler; the loop looks at it after every step, and within an evaluation. */
export interface Interruption {
  signal: StopSignal | null;
}

/** Told by a run that was interrupted before its first step. */
export const NOTHING_WRITTEN = 'interrupted before the first step: nothing was written';

/** How often a run that reads looks for signals. */
const POLL_MILLISECONDS = 50;

/** What `work` comes to; null as soon as the run is interrupted, and `work` is left to itself. */
export async function unlessInterrupted<T>(
  interruption: Interruption,
  work: Promise<T>,
): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const interrupted = new Promise<null>((resolve) => {
    timer = setInterval(() => {
      if (interruption.signal !== null) resolve(null);
    }, POLL_MILLISECONDS);
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    clearInterval(timer);
    work.catch(() => undefined);
  }
}

/**
 * What comes next of `iterator`; null where the run is interrupted before it is there, or by then: every
 * signal is heard, and no timer is needed for what is there at once.
 */
export async function nextUnlessInterrupted<T, R>(
  interruption: Interruption,
  iterator: Pick<AsyncIterator<T, R>, 'next'>,
): Promise<IteratorResult<T, R> | null> {
  const next = iterator.next();
  next.catch(() => undefined);
  // Lets signal handlers and timers run.
  await setImmediate();
  try {
    const here = await Promise.race([next, Promise.resolve(null)]);
    const result = here ?? (await unlessInterrupted(interruption, next));
    return interruption.signal === null ? result : null;
  } catch (error) {
    // The signal may have ended what reads, too.
    if (interruption.signal !== null) return null;
    throw error;
  }
}
