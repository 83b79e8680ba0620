// Options that take a count.
import { InvalidArgumentError } from 'commander';
import { MOST_THREADS } from '../native/threads.js';

/** A parser, for commander, of whole numbers from 1 with at most `digits` digits. */
export function wholeNumber(digits: number): (text: string) => number {
  const most = 10 ** digits - 1;
  return (text) => {
    if (/^[1-9]\d*$/.test(text) && text.length <= digits) return Number(text);
    throw new InvalidArgumentError(`wanted a whole number from 1 to ${most.toLocaleString('en')}`);
  };
}

/** A parser, for commander, of what random numbers are drawn from: 32 bits, as `seed` of a configuration. */
export function seedNumber(text: string): number {
  if (/^(0|[1-9]\d{0,9})$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new InvalidArgumentError(
    `wanted a whole number from 0 to ${(2 ** 32 - 1).toLocaleString('en')}`,
  );
}

/** A parser, for commander, of a number of threads. */
export function threadNumber(text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number(text) <= MOST_THREADS) return Number(text);
  throw new InvalidArgumentError(`wanted a whole number of threads from 1 to ${MOST_THREADS}`);
}

export const THREADS_HELP =
  'threads that compute; the last bits depend on it (default: every core)';
