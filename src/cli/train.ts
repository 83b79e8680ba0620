// fsam train: one run, from a configuration to its finished folder.
import { Option, type Command } from 'commander';
import { UserError } from '../util/errors.js';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { watchRun } from './run-watch.js';
import { THREADS_HELP, threadNumber } from './whole-number.js';

interface TrainOptions extends ConfigOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
  readonly threads?: number;
}

const HELP = `
SIGINT (Ctrl-C), SIGTERM, SIGUSR1 and SIGHUP finish the step, save and leave; a second Ctrl-C leaves at once.
Under nohup a hang-up changes nothing.
The same command with --resume goes on from there.
An option given twice: the last one counts (--set adds up, the last of each key counts; a flag wins over --set).`;

export function registerTrain(program: Command): void {
  addConfigOptions(program.command('train').description('Trains, and writes a run folder.'))
    .option('--out <folder>', 'the run folder itself (default: results/NAME/VARIANT/seed-N)')
    .addOption(
      new Option('--resume', 'go on with the run in the folder, or start it').conflicts(
        'overwrite',
      ),
    )
    .option('--overwrite', 'start anew in a folder that holds a run')
    .option('--threads <n>', THREADS_HELP, threadNumber)
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', HELP)
    .action(train);
}

async function train(options: TrainOptions): Promise<void> {
  const { out, resume = false, overwrite = false, quiet = false, threads } = options;
  if (out === '') throw new UserError('--out: got an empty name, wanted the run folder');
  const watch = watchRun(quiet);
  const { asked, execute } = await import('./execute.js');
  await execute({
    watch,
    configure: asked(configRequest(options), out ?? null),
    resume,
    overwrite,
    quiet,
    threads: threads === undefined ? null : { count: threads, asked: `--threads ${threads}` },
    wayOut: 'the same command with --resume goes on',
  });
}
