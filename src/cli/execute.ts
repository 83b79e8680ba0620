// One run from its configuration to its end, with signals, output and the device seen to.
import type { Config } from '../config/schema.js';
import { Interrupted } from './failure.js';
import { tell } from './output.js';
import type { RunReporter } from './reporter.js';
import { watchSignals, type SignalWatch } from './signals.js';

interface Execution {
  /** Reads the configuration; the run folder too, null for the usual one. */
  readonly configure: () => Promise<{ readonly config: Config; readonly folder: string | null }>;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly quiet: boolean;
  /** How to go on after an interruption. */
  readonly wayOut: string;
  /** For who stops the run by other means than a signal. */
  readonly watching?: (watch: SignalWatch) => void;
}

/**
 * 1. Watch for signals, read the configuration: mistakes show before anything slow.
 * 2. Load TensorFlow for the device asked for.
 * 3. Run.
 */
export async function execute(execution: Execution): Promise<void> {
  const { configure, resume, overwrite, quiet, wayOut, watching } = execution;
  let reporter: RunReporter | null = null;
  const watch = watchSignals((signal) => {
    const note = `${signal}: finishing the step and saving; a second Ctrl-C leaves at once`;
    if (reporter !== null) reporter.note(note);
    else if (!quiet) tell(note);
  });
  const { interruption } = watch;
  watching?.(watch);
  try {
    const { config, folder } = await configure();
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
      folder,
      resume,
      overwrite,
      environment: await describeEnvironment(device),
      createEngine,
      reporter,
      interruption,
    });
    if (outcome === 'interrupted' && interruption.signal !== null) {
      throw new Interrupted(interruption.signal, wayOut);
    }
  } finally {
    reporter?.close();
    watch.release();
  }
}
