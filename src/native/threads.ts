// How many threads TensorFlow and our own convolutions compute with, decided before the library is
// loaded.
import { availableParallelism } from 'node:os';
import { UserError } from '../util/errors.js';

/** TensorFlow ends the process where the system has no more threads: this many it has. */
export const MOST_THREADS = 1024;

/** What tells TensorFlow how many threads share an op. */
export const WITHIN = 'TF_NUM_INTRAOP_THREADS';
/** The same of ops side by side. */
const BESIDE = 'TF_NUM_INTEROP_THREADS';

/** The last bits of a result depend on it: sums are cut among the threads. */
export function useThreads(count: number): void {
  process.env[WITHIN] = String(count);
  Reflect.deleteProperty(process.env, BESIDE);
  // oneDNN's, where it is built on OpenMP.
  process.env['OMP_NUM_THREADS'] = String(count);
}

/**
 * Writes down for TensorFlow what `threadCount` says, so that both take the same, and that ops run one
 * after the other, each on all threads: those that wait for one beside would take time from it.
 *
 * @throws UserError as threadCount
 */
export function settleThreads(): void {
  process.env[BESIDE] = String(read(BESIDE) ?? 1);
  process.env[WITHIN] = String(threadCount());
}

/**
 * What TensorFlow takes: as it was told, or every core that this process may use.
 *
 * @throws UserError where the environment names no number of threads
 */
export function threadCount(): number {
  return threadsTold() ?? availableParallelism();
}

/**
 * As the environment says, in `TF_NUM_INTRAOP_THREADS`; null where it leaves the choice to us.
 *
 * @throws UserError as threadCount
 */
export const threadsTold = (): number | null => read(WITHIN);

/** Unset, empty and 0 leave the choice to the reader, as TensorFlow has it. */
function read(variable: string): number | null {
  const text = process.env[variable] ?? '';
  if (text === '' || text === '0') return null;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= MOST_THREADS) return Number(text);
  throw new UserError(
    `${variable}: got ${JSON.stringify(text)}, wanted a whole number of threads up to ${MOST_THREADS}, or 0 for as ` +
      'many as there are cores; unset it',
  );
}
