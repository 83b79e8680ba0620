// How many threads TensorFlow computes with, decided before its library is loaded.

/** The last bits of a result depend on it: sums are cut among the threads. */
export function useThreads(count: number): void {
  // One op after the other, each on all threads: points side by side would only get in each other's way.
  process.env['TF_NUM_INTRAOP_THREADS'] = String(count);
  process.env['TF_NUM_INTEROP_THREADS'] = String(count);
  // oneDNN's, where it is built on OpenMP.
  process.env['OMP_NUM_THREADS'] = String(count);
}
