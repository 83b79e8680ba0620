// What a worker says whose sum with the others came to nothing.
import { RunError } from './errors.js';
import { listens } from './listening.js';
import type { WorkersPlace } from './workers-place.js';

/** Another worker is gone, stuck or late. */
export class LostWorker extends RunError {
  constructor(
    message: string,
    /** What TensorFlow says; who is gone may still have to be found out. */
    readonly reason: string,
  ) {
    super(message);
  }
}

/** Names the workers that are not there, as far as it can be told from here: one that is stuck still has its port. */
export async function describeLost(
  { index, addresses, timeoutSeconds }: WorkersPlace,
  reason = `waited ${timeoutSeconds} s`,
): Promise<string> {
  const are = await Promise.all(addresses.map(listens));
  const gone = addresses.flatMap((address, i) =>
    are[i] === true || i === index ? [] : [`worker ${i} (${address})`],
  );
  const what =
    gone.length > 0
      ? `${gone.join(', ')} ${gone.length > 1 ? 'are' : 'is'} not there`
      : `another worker is stuck, or was, for ${timeoutSeconds} s: each is there`;
  return `worker ${index}: ${what} (${reason}); with --resume all go on from the last checkpoint`;
}
