// The options that name and change a configuration, as several commands take them.
import type { Command } from 'commander';
import type { ConfigRequest } from '../config/load.js';
import { UserError } from '../util/errors.js';
import { expandHome } from '../util/home.js';

/**
 * As typed: what a value means and whether it is right is for the configuration's schema to say.
 */
export interface ConfigOptions {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly seed?: string;
  readonly dataDir?: string;
  readonly epochs?: string;
  readonly maxSteps?: string;
  readonly subset?: string;
  readonly device?: string;
}

/** What `--config` names: where names are looked up, and one of them. */
const SOURCES = {
  experiment: { shelf: 'configs/', example: 'quickstart' },
  sweep: { shelf: 'configs/sweeps/', example: 'tiny-rho' },
} as const;
type Source = keyof typeof SOURCES;

/** How much is trained, and on how much. */
const AMOUNTS = [
  { flag: '--epochs', value: '<n>', what: 'passes over the training set' },
  {
    flag: '--max-steps',
    value: '<n>',
    what: 'stop after this many steps, learning rates unchanged',
  },
  {
    flag: '--subset',
    value: '<train,test>',
    what: 'subsets of these sizes, of images class-balanced',
  },
] as const;
type Amount = (typeof AMOUNTS)[number]['flag'];

/** @param without options that would change nothing in what the command does */
export function addConfigOptions(
  command: Command,
  source: Source = 'experiment',
  without: readonly Amount[] = [],
): Command {
  const { shelf, example } = SOURCES[source];
  // --config is not a required option of commander's, which would hide the suggestion for a
  // mistyped --confg.
  command
    .option('--config <file>', `a YAML file, or a name under ${shelf} such as ${example}`)
    .option('--set <key=value>', 'any key, such as optimizer.rho=0.1 (repeatable)', collect)
    .option('--seed <n>', 'what everything random is drawn from')
    .option(
      '--data-dir <path>',
      'folder of the data set, or the folder above it, or its .tar.gz; of texts a file or a folder',
    );
  for (const { flag, value, what } of AMOUNTS) {
    if (!without.includes(flag)) command.option(`${flag} ${value}`, what);
  }
  return command.option('--device <device>', 'auto, cpu or gpu');
}

/** For an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** Errors: UserError where no configuration is named. */
export function configRequest(
  options: ConfigOptions,
  source: Source = 'experiment',
): ConfigRequest {
  const { config, set = [], seed, dataDir, epochs, maxSteps, subset, device } = options;
  if (config === undefined) {
    const { shelf, example } = SOURCES[source];
    throw new UserError(
      `--config: missing, wanted a YAML file or a name under ${shelf}, such as --config ${example}`,
    );
  }
  return {
    config,
    assignments: set,
    overrides: { seed, dataDirectory: dataDir, epochs, maxSteps, subset, device },
  };
}

/** What an option that names a folder or a file means: its `~`, too, which `--data-dir=~/x` hides from the shell. */
export function pathOption(flag: string): (value: string) => string {
  return (value) => {
    const expanded = expandHome(value);
    if ('path' in expanded) return expanded.path;
    throw new UserError(`${flag}: got ${JSON.stringify(value)}, ${expanded.wanted}`);
  };
}
