// An end to calls of TensorFlow's that wait for another process: some of them wait for ever, whatever time-out they are given, and
// the thread that calls hears no signal meanwhile. A second thread watches.
import { Worker } from 'node:worker_threads';
import type { WorkersPlace } from '../util/workers-place.js';

/** What the second thread is told. */
export interface Vigil {
  /** Odd while a call lasts. */
  readonly calls: Int32Array;
  readonly place: WorkersPlace;
}

let calls: Int32Array | null = null;

/** From now on this process ends, and says so, where a call waits for another worker longer than the time-out. */
export function keepVigil(place: WorkersPlace): void {
  calls ??= new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: Vigil = { calls, place };
  const thread = new Worker(new URL('./vigil-worker.js', import.meta.url), { workerData });
  thread.unref();
}

/** A call of TensorFlow's that may wait for another process. */
export function watched<T>(call: () => T): T {
  if (calls === null) return call();
  Atomics.add(calls, 0, 1);
  try {
    return call();
  } finally {
    Atomics.add(calls, 0, 1);
  }
}
