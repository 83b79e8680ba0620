// How many threads TensorFlow computes with, decided before its library is loaded.
import { availableParallelism } from 'node:os';

/** The last bits of a result depend on it: sums are cut among the threads. */
export function useThreads(count: number): void {
  // One op after the other, each on all threads: points side by side would only get in each other's way.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(count);
  process.env['TF_NUM_INTEROP_THREADS'] = String(count);
  // oneDNN's, where it is built on OpenMP.
  process.env['OMP_NUM_THREADS'] = String(count);
}

/** What TensorFlow takes: as it was told, or every core that this process may use. */
export function threadCount(): number {
  return Number(process.env['TF_NUM_INTRAOP_THREADS'] ?? availableParallelism());
}
