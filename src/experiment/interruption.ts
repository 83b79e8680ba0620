// Whether a signal asks a run to end, and work that does not keep it waiting.
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
