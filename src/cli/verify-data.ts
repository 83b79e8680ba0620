// What `fsam data verify` does: reads every record, and prints what is wrong with any.
import { verifyShards } from '../data/records/verify-shards.js';
import { counted } from '../util/counted.js';
import { RunError } from '../util/errors.js';
import { Interrupted } from './failure.js';
import { print } from './output.js';
import { createRecordProgress } from './record-progress.js';
import { watchSignals } from './signals.js';

/** Errors: RunError where there are faults, after each is printed. */
export async function verifyData(folder: string): Promise<void> {
  const stop = new AbortController();
  const watch = watchSignals((signal) =>
    stop.abort(new Interrupted(signal, 'the same command begins anew')),
  );
  const progress = createRecordProgress();
  let faults = 0;
  let read = 0;
  try {
    const found = verifyShards(folder, {
      decode: () => null,
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
    if (faults > 0) {
      throw new RunError(`${folder}: ${counted(faults, 'fault')}; ${read} records were read`);
    }
    print(
      `${folder}: ${counted(read, 'record')}: checksums, headers and ends are as they should be`,
    );
  } finally {
    progress.close();
    watch.release();
  }
}
