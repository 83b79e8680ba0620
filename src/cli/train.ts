// fsam train: one run, from a configuration to its finished folder.
import { Option, type Command } from 'commander';
import { UserError } from '../util/errors.js';
import { isLaterWorker, isStarted, WORKER_TIMEOUT_SECONDS } from '../util/workers-place.js';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { refuseUnnamed } from './out-option.js';
import { watchRun, type RunWatch } from './run-watch.js';
import type { ToWorker } from './train-together.js';
import { THREADS_HELP, threadNumber, wholeNumber } from './whole-number.js';

interface TrainOptions extends ConfigOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
  readonly threads?: number;
  readonly workers?: number;
  readonly workerTimeout: number;
  readonly openServer?: boolean;
  readonly alone?: boolean;
}

const HELP = `
SIGINT (Ctrl-C), SIGTERM, SIGUSR1 and SIGHUP finish the step, save and leave; a second Ctrl-C leaves at once.
Under nohup a hang-up changes nothing.
The tasks of one srun are workers of one run, and so are the processes that TF_CONFIG names; --alone makes each a run of its own.
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
    .option('--workers <n>', 'processes on this machine that share every batch', wholeNumber(4))
    .option(
      '--worker-timeout <s>',
      'seconds after which a worker that is lost ends all',
      wholeNumber(6),
      WORKER_TIMEOUT_SECONDS,
    )
    .option('--open-server', 'let workers open servers that ask nobody who they are')
    .addOption(
      new Option('--alone', 'train by itself, whatever srun or TF_CONFIG says').conflicts(
        'workers',
      ),
    )
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', HELP)
    .action(train);
}

/** A worker gets signals from the process that started it, and ends with it. */
function heedStarter({ interrupt }: RunWatch): void {
  process.on('message', ({ signal }: ToWorker) => {
    interrupt(signal);
  });
  process.on('disconnect', () => process.exit(1));
  if (!process.connected) process.exit(1);
  process.channel?.unref();
}

async function train(options: TrainOptions): Promise<void> {
  const { out, resume = false, overwrite = false, quiet = false, threads } = options;
  refuseUnnamed(out, 'the run folder');
  const { workers = 1, workerTimeout: timeoutSeconds, openServer: opensServer = false } = options;
  const { alone = false } = options;
  if (workers > 1 && !isStarted()) {
    const { workersPlace } = await import('./workers-place.js');
    if (workersPlace({ timeoutSeconds, opensServer: true }) !== null) {
      throw new UserError(
        `--workers: got ${workers} in one of several processes that srun or TF_CONFIG has made workers of already; wanted one of the two`,
      );
    }
    const { trainTogether } = await import('./train-together.js');
    return trainTogether(workers, opensServer);
  }
  // The process that started this worker hears a Ctrl-C, too, and tells of it; the second one is its to heed.
  const watch = watchRun(quiet || isLaterWorker(), !isStarted());
  if (isStarted()) heedStarter(watch);
  const { workersPlace } = await import('./workers-place.js');
  const { asked, execute } = await import('./execute.js');
  await execute({
    watch,
    configure: asked(configRequest(options), out ?? null),
    resume,
    overwrite,
    quiet,
    place: alone ? null : workersPlace({ timeoutSeconds, opensServer }),
    threads: threads === undefined ? null : { count: threads, asked: `--threads ${threads}` },
    wayOut: 'the same command with --resume goes on',
  });
}
