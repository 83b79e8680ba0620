// fsam report: tables and figures of finished runs.
import type { Command } from 'commander';
import type { ReportOptions } from './make-report.js';
import { refuseUnnamed } from './out-option.js';

const HELP = `
Runs that differ in nothing but their seed are one point. Files: summary.csv, time.csv, table.md, table.tex, the figures
as SVG and PNG, and index.html with all of it on one page.`;

export function registerReport(program: Command): void {
  program
    .command('report')
    .description('Makes tables and figures of finished runs.')
    .argument('<path...>', 'run folders, or folders above some, such as that of a sweep')
    .option('--out <folder>', 'where the files go (default: PATH/report)')
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], options: ReportOptions) => {
      refuseUnnamed(options.out);
      const { makeReport } = await import('./make-report.js');
      await makeReport(paths, options);
    });
}
