// fsam doctor: what this machine and this set-up are, for the user and for a report of a problem.
import type { Command } from 'commander';
import { pathOption } from './config-options.js';

interface DoctorOptions {
  readonly dataDir: string;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description(
      'Tells what is set up here, on which device it runs, and which data sets it finds.',
    )
    .option('--data-dir <folder>', 'where to look for data sets', pathOption('--data-dir'), 'data')
    .action(async ({ dataDir }: DoctorOptions) => {
      const { printFindings } = await import('./findings.js');
      await printFindings(program.version() ?? '', dataDir);
    });
}
