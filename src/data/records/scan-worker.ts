// A thread that scans one part after the other for `scanAll`, so that slow disks are asked for several
// at once and signals are heeded meanwhile.
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../util/file-errors.js';
import { UserError } from '../../util/errors.js';
import type { Part } from './record.js';
import { scanPart, type ScannedPart } from './scan.js';

export type ScanMessage =
  | { readonly kind: 'records'; readonly count: number }
  | { readonly kind: 'part'; readonly scanned: ScannedPart }
  | { readonly kind: 'failed'; readonly message: string; readonly user: boolean };

const TOLD_EVERY = 500;

function scan(part: Part, tell: (message: ScanMessage) => void): void {
  try {
    const scanning = scanPart(part);
    let count = 0;
    for (let step = scanning.next(); ; step = scanning.next()) {
      if (step.done === true) {
        tell({ kind: 'records', count });
        tell({ kind: 'part', scanned: step.value });
        return;
      }
      count++;
      if (count < TOLD_EVERY) continue;
      tell({ kind: 'records', count });
      count = 0;
    }
  } catch (error) {
    tell({ kind: 'failed', message: messageOf(error), user: error instanceof UserError });
  }
}

const port = parentPort;
port?.on('message', (part: Part) => scan(part, (message) => port.postMessage(message)));
