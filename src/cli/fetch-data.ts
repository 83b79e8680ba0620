// What `fsam data fetch` does: brings a data set, with its progress on the terminal.
import { fetchDataset, type FetchableName } from '../data/fetch.js';
import { Interrupted } from './failure.js';
import { createFetchProgress } from './fetch-progress.js';
import { print } from './output.js';
import { watchSignals } from './signals.js';

export interface FetchOptions {
  readonly dataDir: string;
  readonly mirror?: readonly string[];
}

export async function fetchData(
  name: FetchableName,
  { dataDir, mirror }: FetchOptions,
): Promise<void> {
  const stop = new AbortController();
  const watch = watchSignals((signal) =>
    stop.abort(new Interrupted(signal, 'the same command goes on with what has come')),
  );
  const progress = createFetchProgress();
  try {
    const { folder, outcome } = await fetchDataset(name, dataDir, {
      ...(mirror !== undefined && { mirrors: mirror }),
      onProgress: progress.show,
      signal: stop.signal,
    });
    progress.close();
    print(`${name}: ${WORDS[outcome]} ${folder}; train with --data-dir ${dataDir}`);
  } finally {
    progress.close();
    watch.release();
  }
}

const WORDS = {
  present: 'is there already, complete:',
  unpacked: 'checked, and unpacked to',
  downloaded: 'downloaded, checked, and unpacked to',
} as const;
