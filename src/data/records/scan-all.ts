// Scans many parts, in this thread or in several.
import { setImmediate as letOthersRun } from 'node:timers/promises';
import { unlessAborted } from '../../util/abort.js';
import { startCrew } from './crew.js';
import type { Part } from './record.js';
import { scanPart, type ScannedPart } from './scan.js';

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

async function scanInThreads(
  parts: readonly Part[],
  { workers, onRecords, onPart, signal }: ScanOptions,
): Promise<void> {
  const crew = startCrew<Part, ScannedPart>(
    new URL('./scan-worker.js', import.meta.url),
    Math.min(workers, parts.length),
    onRecords,
  );
  try {
    const scanned = parts.map(async (part) => onPart(await crew.run(part)));
    await unlessAborted(signal, Promise.all(scanned));
  } finally {
    crew.close();
  }
}
