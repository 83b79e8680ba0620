// The thread that watches calls of TensorFlow's (vigil.ts). A call that waits uses no processor; one that computes does, however long
// it takes.
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { describeLost } from '../util/lost-worker.js';
import { exitCodeOfLost } from '../util/workers-place.js';
import { findAddon } from './addon.js';
import type { Vigil } from './vigil.js';

const { calls, place } = workerData as Vigil;

const INTERVAL_MILLISECONDS = 250;
/** Of one processor: what a process uses that waits. */
const IDLE = 0.2;
/** TensorFlow's own time-out, where it has one, comes first. */
const LIMIT_MILLISECONDS = 1000 * (place.timeoutSeconds + 2);

/** Milliseconds of the processor, so far. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

let call = 0;
let since = performance.now();
let looked = since;
let before = used();

const timer = setInterval(() => {
  const now = performance.now();
  const total = used();
  const share = (total - before) / (now - looked);
  looked = now;
  before = total;
  const last = call;
  call = Atomics.load(calls, 0);
  const waits = call % 2 === 1 && call === last && share < IDLE;
  if (!waits) since = now;
  if (now - since > LIMIT_MILLISECONDS) void end();
}, INTERVAL_MILLISECONDS);

async function end(): Promise<void> {
  clearInterval(timer);
  writeSync(2, `fsam: ${await describeLost(place)}\n`);
  // The thread that waits never comes to an end of its own.
  (findAddon('quiet') as { leave: (code: number) => never }).leave(exitCodeOfLost());
}
