// Scans many parts, in this thread or in several.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { RunError, UserError } from '../../util/errors.js';
import { messageOf } from '../../util/file-errors.js';
import type { Part } from './record.js';
import { scanPart, type ScannedPart } from './scan.js';
import type { ScanMessage } from './scan-worker.js';

interface ScanOptions {
  /** Threads; 0: this one, which then heeds signals between two records. */
  readonly workers: number;
  readonly onRecords: (count: number) => void;
  /** Told of each part as soon as it is done. */
  readonly onPart: (scanned: ScannedPart) => void;
  readonly signal: AbortSignal | undefined;
}

/** How long other work of this thread may wait, in milliseconds. */
const SLICE = 20;

/** Errors: as `scanPart`, the first one; the signal's reason. */
export async function scanAll(parts: readonly Part[], options: ScanOptions): Promise<void> {
  options.signal?.throwIfAborted();
  if (options.workers === 0 || parts.length === 0) await scanHere(parts, options);
  else await scanInThreads(parts, options);
}

async function scanHere(
  parts: readonly Part[],
  { onRecords, onPart, signal }: ScanOptions,
): Promise<void> {
  let since = performance.now();
  for (const part of parts) {
    const scanning = scanPart(part);
    let count = 0;
    let step = scanning.next();
    for (; step.done !== true; step = scanning.next()) {
      count++;
      if (performance.now() - since < SLICE) continue;
      onRecords(count);
      count = 0;
      await letOthersRun();
      signal?.throwIfAborted();
      since = performance.now();
    }
    onRecords(count);
    onPart(step.value);
  }
}

async function scanInThreads(parts: readonly Part[], options: ScanOptions): Promise<void> {
  const queue = [...parts];
  const threads = Array.from(
    { length: Math.min(options.workers, parts.length) },
    () => new Worker(new URL('./scan-worker.js', import.meta.url)),
  );
  try {
    await Promise.all(threads.map((thread) => serve(thread, queue, options)));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Hands the thread one part after the other until none is left. */
function serve(
  thread: Worker,
  queue: Part[],
  { onRecords, onPart, signal }: ScanOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const part = queue.shift();
      if (part === undefined) resolve();
      else thread.postMessage(part);
    };
    thread.on('message', (message: ScanMessage) => {
      try {
        switch (message.kind) {
          case 'records':
            onRecords(message.count);
            return;
          case 'part':
            onPart(message.scanned);
            next();
            return;
          case 'failed':
            reject(new (message.user ? UserError : RunError)(message.message));
            return;
          default:
            message satisfies never;
        }
      } catch (error) {
        reject(error instanceof Error ? error : new RunError(messageOf(error)));
      }
    });
    thread.on('error', (error) => reject(new RunError(`reading the data: ${messageOf(error)}`)));
    thread.on('exit', () => reject(new RunError('a thread that read the data has ended')));
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    next();
  });
}
