// fsam sweep: many runs from one file, here or on a Slurm cluster.
import type { Command } from 'commander';
import { refuseUnnamed } from './out-option.js';
import { watchRun } from './run-watch.js';
import { addSweepOptions, type SweepOptions } from './sweep-options.js';

export function registerSweep(program: Command): void {
  const command = program.command('sweep').description('Runs every point of a sweep file.');
  addSweepOptions(command);
  command.action(sweep);
}

/** What it takes to read configurations is loaded only where it is wanted: the help is to come at once. */
async function sweep(options: SweepOptions): Promise<void> {
  refuseUnnamed(options.out);
  if (options.point !== undefined || options.array !== undefined) {
    const watch = watchRun(options.quiet ?? false);
    const { runSingle } = await import('./sweep-single.js');
    return runSingle(options, watch);
  }
  const { runPoints } = await import('./sweep-points.js');
  return runPoints(options);
}
