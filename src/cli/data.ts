// fsam data fetch: downloads a data set.
import { Argument, type Command } from 'commander';
import type { FetchableName } from '../data/fetch.js';
import { collect, pathOption } from './config-options.js';
import { Interrupted } from './failure.js';
import { print } from './output.js';
import { watchSignals } from './signals.js';

interface FetchOptions {
  readonly dataDir: string;
  readonly mirror?: readonly string[];
}

const NAMES: readonly FetchableName[] = ['cifar10', 'cifar100'];

export function registerData(program: Command): void {
  program
    .command('data')
    .description('Brings data sets to this machine.')
    .helpCommand(false)
    .command('fetch')
    .description('Downloads a data set, checks it and unpacks it; goes on where it was stopped.')
    .addArgument(new Argument('<name>', 'the data set').choices(NAMES))
    .option('--data-dir <folder>', 'where to', pathOption('--data-dir'), 'data')
    .option(
      '--mirror <url>',
      'where from: the folder of the archive (repeatable, tried in order)',
      collect,
    )
    .action(fetch);
}

async function fetch(name: FetchableName, { dataDir, mirror }: FetchOptions): Promise<void> {
  const { fetchDataset } = await import('../data/fetch.js');
  const { createFetchProgress } = await import('./fetch-progress.js');
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
