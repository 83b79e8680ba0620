// Signs of life: a file whose time of change moves on while this process lives, whatever keeps its
// main thread busy.
import { Worker } from 'node:worker_threads';

const BEAT = `
const { futimesSync } = require('node:fs');
const { fd, milliseconds } = require('node:worker_threads').workerData;
setInterval(() => {
  const now = new Date();
  try { futimesSync(fd, now, now); } catch {}
}, milliseconds);
`;

/** Touches the open file `fd` again and again. Stop it before the file is closed. */
export function startHeartbeat(fd: number, milliseconds: number): { stop(): Promise<void> } {
  const worker = new Worker(BEAT, {
    eval: true,
    workerData: { fd, milliseconds },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
  });
  worker.unref();
  // A lock without signs of life is still a lock.
  worker.on('error', () => undefined);
  return {
    stop: async () => {
      await worker.terminate();
    },
  };
}
