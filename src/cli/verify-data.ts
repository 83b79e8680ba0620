// What `fsam data verify` does: reads and decodes every record, and prints what is wrong with any.
import { availableParallelism } from 'node:os';
import { startVerifyCrew, verifyShards } from '../data/records/verify-shards.js';
import { openDevice } from '../native/device.js';
import { counted } from '../util/counted.js';
import { RunError } from '../util/errors.js';
import { Interrupted } from './failure.js';
import { print } from './output.js';
import { createRecordProgress } from './record-progress.js';
import { watchSignals } from './signals.js';

export interface VerifyWords {
  /** Threads; left out: one for each core. */
  readonly workers?: number;
}

/** Errors: RunError where there are faults, after each is printed. */
export async function verifyData(
  folder: string,
  { workers = availableParallelism() }: VerifyWords,
): Promise<void> {
  const stop = new AbortController();
  const watch = watchSignals((signal) =>
    stop.abort(new Interrupted(signal, 'the same command begins anew', true)),
  );
  const progress = createRecordProgress();
  let faults = 0;
  let read = 0;
  try {
    const found = verifyShards(folder, {
      crew: () => {
        openDevice('cpu');
        return startVerifyCrew(workers);
      },
      onProgress: ({ parts, partsDone, records }) => {
        read = records;
        progress.show('verifying, parts', partsDone, parts);
      },
      signal: stop.signal,
    });
    for await (const { file, record, reason } of found) {
      faults++;
      progress.close();
      print(`${file}: ${record === null ? '' : `${record} `}${reason}`);
    }
    progress.close();
    const records = counted(read, 'record');
    if (faults > 0) {
      throw new RunError(
        `${folder}: ${counted(faults, 'fault')}; ${records} read, the pictures decoded in full`,
      );
    }
    print(
      `${folder}: ${records} read, the pictures decoded in full: checksums, headers, ends and pixels are as they should be`,
    );
  } finally {
    progress.close();
    watch.release();
  }
}
