// fsam compare: two runs side by side in the terminal.
import type { Command } from 'commander';

const HELP = `
Shows the keys in which the runs differ, their last and best epochs, and their curves: the first run as a line, the
second as dots. A run that is not finished is shown as far as it has come.`;

export function registerCompare(program: Command): void {
  program
    .command('compare')
    .description('Shows two runs side by side.')
    .argument('<run>', 'a run folder such as results/NAME/VARIANT/seed-1')
    .argument('<run>', 'another')
    .addHelpText('after', HELP)
    .action(async (first: string, second: string) => {
      const { compareRuns } = await import('./compare-runs.js');
      await compareRuns(first, second);
    });
}
