// fsam data: downloads a data set, writes pictures as shards, reads shards for faults.
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';
import type { FetchableName } from '../data/fetch.js';
import { collect, pathOption } from './config-options.js';
import type { FetchOptions } from './fetch-data.js';
import type { ShardWords } from './shard-data.js';
import type { VerifyWords } from './verify-data.js';
import { threadNumber, wholeNumber } from './whole-number.js';

const NAMES: readonly FetchableName[] = ['cifar10', 'cifar100'];
const FORMATS: readonly ShardWords['format'][] = ['tfrecord', 'webdataset'];

export function registerData(program: Command): void {
  const data = program
    .command('data')
    .description('Brings data sets to this machine; writes shards of pictures, and checks them.')
    .helpCommand(false);
  registerFetch(data);
  registerShard(data);
  registerVerify(data);
}

function registerFetch(data: Command): void {
  data
    .command('fetch')
    .description('Downloads a data set, checks it and unpacks it; goes on where it was stopped.')
    // fetchData says of the others why they are none.
    .addArgument(new Argument('<name>', 'the data set').choices(NAMES).argParser(String))
    .option('--data-dir <folder>', 'where to', pathOption('--data-dir'), 'data')
    .option(
      '--mirror <url>',
      'where from: the folder of the archive (repeatable, tried in order)',
      collect,
    )
    .action(async (name: string, options: FetchOptions) => {
      const { fetchData } = await import('./fetch-data.js');
      await fetchData(name, options);
    });
}

function registerShard(data: Command): void {
  data
    .command('shard')
    .description(
      'Writes pictures as shards of mixed classes, with a manifest; goes on where it was stopped.',
    )
    .requiredOption(
      '--from <folder>',
      'the pictures, in any form that is read, such as train/CLASS/*.JPEG',
      pathOption('--from'),
    )
    .requiredOption('--to <folder>', 'where to: an empty folder', pathOption('--to'))
    .addOption(
      new Option('--format <format>', 'what a shard is').choices(FORMATS).makeOptionMandatory(),
    )
    .requiredOption('--shards <n>', 'shards of the training set', wholeNumber(5))
    .option('--seed <n>', 'decides which picture goes where', seedNumber, 0)
    .action(async (options: ShardWords) => {
      const { shardData } = await import('./shard-data.js');
      await shardData(options);
    });
}

function seedNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('wanted a whole number from 0 to 999999999');
}

function registerVerify(data: Command): void {
  data
    .command('verify')
    .description(
      'Reads and decodes every record of a set of pictures, and names shard, record and reason of each fault.',
    )
    .argument('<folder>', 'the set, in any form that is read')
    .option('--workers <n>', 'threads that read and decode (default: every core)', threadNumber)
    .action(async (folder: string, options: VerifyWords) => {
      const { verifyData } = await import('./verify-data.js');
      await verifyData(folder, options);
    });
}
