// Which worker of a run this process is, as the process that started it says.
import type { WorkersPlace } from '../graph/workers.js';
import { InternalError } from '../util/errors.js';

/** What a started process reads. */
export const WORKER_VARIABLE = 'FSAM_WORKER';

/** Null where this process trains alone. */
export function workersPlace(): WorkersPlace | null {
  const told = process.env[WORKER_VARIABLE];
  if (told === undefined) return null;
  const [index, timeout, ...addresses] = told.split(',');
  const place = { index: Number(index), timeoutSeconds: Number(timeout), addresses };
  if (place.index < addresses.length && place.timeoutSeconds > 0) return place;
  throw new InternalError(`${WORKER_VARIABLE} is ${told}`);
}

/** For a process to be started. */
export const placeText = ({ index, timeoutSeconds, addresses }: WorkersPlace): string =>
  [index, timeoutSeconds, ...addresses].join(',');
