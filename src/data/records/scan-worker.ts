// A thread that scans one part after the other for `scanAll`.
import { serve, type Work } from './crew.js';
import type { Part } from './record.js';
import { scanPart, type ScannedPart } from './scan.js';

/** How many records it tells of at a time. */
const TOLD_EVERY = 500;

const scan: Work<Part, ScannedPart> = (part, tell) => {
  const scanning = scanPart(part);
  let count = 0;
  for (let step = scanning.next(); ; step = scanning.next()) {
    if (step.done === true) {
      tell(count);
      return step.value;
    }
    count++;
    if (count < TOLD_EVERY) continue;
    tell(count);
    count = 0;
  }
};

serve(scan);
