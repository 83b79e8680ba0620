// fsam data fetch: downloads a data set.
import { Argument, type Command } from 'commander';
import type { FetchOptions } from './fetch-data.js';
import type { FetchableName } from '../data/fetch.js';
import { collect, pathOption } from './config-options.js';

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
    .action(async (name: FetchableName, options: FetchOptions) => {
      const { fetchData } = await import('./fetch-data.js');
      await fetchData(name, options);
    });
}
