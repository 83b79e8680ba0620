// The options of fsam sweep.
import { Option, type Command } from 'commander';
import { addConfigOptions, collect, type ConfigOptions } from './config-options.js';
import { addSlurmOptions, type SlurmFlags } from './slurm-options.js';
import { threadNumber, wholeNumber } from './whole-number.js';

/** As commander names them. */
export interface SweepOptions extends ConfigOptions, SlurmFlags {
  readonly out?: string;
  readonly jobs?: number;
  readonly threads?: number;
  readonly filter?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly overwrite?: boolean;
  readonly estimate: boolean;
  readonly launcher: 'local' | 'slurm';
  readonly status?: boolean;
  readonly point?: string;
  readonly array?: string;
  readonly task?: number;
  readonly quiet?: boolean;
}

/** More points than this are not started by mistake. */
export const MANY_POINTS = 1000;

const HELP = `
Points that are done are skipped, unfinished ones go on, failed ones are tried again: the same command after any
interruption. Ctrl-C makes every running point save and leave. Exit code 1: a point failed.
A file under configs/sweeps/ shows how a sweep is written; fsam report makes tables and figures of it.`;

export function addSweepOptions(command: Command): void {
  const count = wholeNumber(6);
  addConfigOptions(command, 'sweep')
    .option('--out <folder>', 'the folder of the sweep (default: results/NAME)')
    .option('--jobs <n>', 'points at a time; they share the cores (default: 1; slurm: any)', count)
    .option('--threads <n>', 'threads of each (default: cores / jobs; slurm: 1)', threadNumber)
    .option('--filter <key=value>', 'only points with this value (repeatable)', collect)
    .option('--dry-run', 'print the plan, and do nothing')
    .option('--no-estimate', 'do not time a few steps first')
    .option('--yes', `start more than ${MANY_POINTS} points`)
    .option('--overwrite', 'start points anew whose folders hold runs of another configuration')
    .addOption(
      new Option('--launcher <launcher>', 'what runs the points')
        .choices(['local', 'slurm'])
        .default('local'),
    )
    .option('--status', 'print how far each point is, and do nothing')
    .option('--quiet', 'print nothing but errors')
    .addOption(new Option('--point <name>').hideHelp())
    .addOption(new Option('--array <file>').hideHelp())
    .addOption(new Option('--task <n>').argParser(count).hideHelp())
    .addHelpText('after', HELP);
  addSlurmOptions(command, count);
}
