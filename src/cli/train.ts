// fsam train: one run, from a configuration to its finished folder.
import { Option, type Command } from 'commander';
import { UserError } from '../util/errors.js';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { Interrupted } from './failure.js';
import { tell } from './output.js';
import type { RunReporter } from './reporter.js';
import { watchSignals } from './signals.js';

interface TrainOptions extends ConfigOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
}

const HELP = `
SIGINT (Ctrl-C), SIGTERM and SIGUSR1 finish the step, save and leave; a second Ctrl-C leaves at once.
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
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', HELP)
    .action(train);
}

/**
 * 1. Watch for signals, read the configuration: mistakes show before anything slow.
 * 2. Load TensorFlow for the device asked for.
 * 3. Run.
 */
async function train(options: TrainOptions): Promise<void> {
  const { out, resume = false, overwrite = false, quiet = false } = options;
  let reporter: RunReporter | null = null;
  const { interruption, release } = watchSignals((signal) => {
    const note = `${signal}: finishing the step and saving; a second Ctrl-C leaves at once`;
    if (reporter !== null) reporter.note(note);
    else if (!quiet) tell(note);
  });
  try {
    if (out === '') throw new UserError('--out: got an empty name, wanted the run folder');
    const { loadConfig } = await import('../config/load.js');
    const config = loadConfig(configRequest(options));
    const { createReporter } = await import('./reporter.js');
    reporter = createReporter({ quiet, maxSteps: config.maxSteps });

    const { openDevice } = await import('../native/device.js');
    const device = await openDevice(config.device);
    // Only now: this loads TensorFlow, which openDevice has made ready for the device.
    const { createEngine } = await import('../train/engine.js');
    const { runExperiment } = await import('../experiment/run.js');
    const { describeEnvironment } = await import('./machine.js');
    const outcome = await runExperiment({
      config,
      folder: out ?? null,
      resume,
      overwrite,
      environment: await describeEnvironment(device),
      createEngine,
      reporter,
      interruption,
    });
    if (outcome === 'interrupted' && interruption.signal !== null) {
      throw new Interrupted(interruption.signal, 'the same command with --resume goes on');
    }
  } finally {
    reporter?.close();
    release();
  }
}
