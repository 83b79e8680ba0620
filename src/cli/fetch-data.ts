// What `fsam data fetch` does: brings a data set, with its progress on the terminal.
import { isAtHand } from '../catalogue/data-sets.js';
import { CIFAR_FORMATS } from '../data/cifar-format.js';
import { fetchDataset, type FetchableName } from '../data/fetch.js';
import { UserError } from '../util/errors.js';
import { Interrupted } from './failure.js';
import { createFetchProgress } from './fetch-progress.js';
import { print } from './output.js';
import { watchSignals } from './signals.js';

export interface FetchOptions {
  readonly dataDir: string;
  readonly mirror?: readonly string[];
}

/** Errors: UserError where the set is none that is fetched. */
export async function fetchData(name: string, { dataDir, mirror }: FetchOptions): Promise<void> {
  if (isAtHand(name)) {
    print(`${name}: comes with fsam, nothing is to be fetched; train with --set data.name=${name}`);
    return;
  }
  if (!isFetchable(name)) {
    throw new UserError(
      `data fetch: got ${name}, wanted one of ${Object.keys(CIFAR_FORMATS).join(', ')}: no other set is fetched`,
    );
  }
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

const isFetchable = (name: string): name is FetchableName => Object.hasOwn(CIFAR_FORMATS, name);

const WORDS = {
  present: 'is there already, complete:',
  unpacked: 'checked, and unpacked to',
  downloaded: 'downloaded, checked, and unpacked to',
} as const;
