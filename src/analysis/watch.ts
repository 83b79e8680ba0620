// How work of many products or losses is watched, and called off.
import { setImmediate } from 'node:timers/promises';

export interface Watch {
  /** Looked at before each product; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** After each product: how many are done, of how many at most. */
  readonly onProduct?: ((done: number, of: number) => void) | undefined;
}

export interface Counter {
  /** What `work` comes to, counted. Errors: its own; the signal's reason. */
  readonly next: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Counts up from `done` products to `of` at most. */
export function countProducts({ signal, onProduct }: Watch, of: number, done = 0): Counter {
  let count = done;
  return {
    next: async (work) => {
      // Products on the CPU hold the thread: without a turn of the event loop no signal is heard between them.
      await setImmediate();
      signal?.throwIfAborted();
      const result = await work();
      onProduct?.(++count, of);
      return result;
    },
  };
}
