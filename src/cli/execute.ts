// One run from its configuration to its end, with signals, output and the device seen to.
import type { Config } from '../config/schema.js';
import type { Threads } from '../experiment/processor.js';
import type { ProcessorSettings } from '../native/device.js';
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
  /** Null: as the environment says, or every core. */
  readonly threads: Threads | null;
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
  const { configure, resume, overwrite, quiet, threads, wayOut, watching } = execution;
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
    const settings = await processorSettings(config, folder, resume, threads, reporter);
    const device = await openDevice(config.device, settings);
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
    if (outcome !== 'finished' && interruption.signal !== null) {
      throw new Interrupted(interruption.signal, wayOut, outcome === 'reading');
    }
  } finally {
    reporter?.close();
    watch.release();
  }
}

/** A run that goes on keeps what it began with. */
async function processorSettings(
  config: Config,
  path: string | null,
  resume: boolean,
  threads: Threads | null,
  reporter: RunReporter,
): Promise<ProcessorSettings> {
  const { defaultFolder, runFolder } = await import('../experiment/folder.js');
  const processor = await import('../experiment/processor.js');
  const folder = runFolder(path ?? defaultFolder(config));
  const begun = resume ? await processor.unfinishedWith(folder) : null;
  if (begun === null) return processor.settingsFor(config, threads?.count ?? null);
  const settings = processor.settingsToGoOn(folder, begun, threads);
  const { threadCount } = await import('../native/threads.js');
  if (settings.threads !== null && settings.threads !== (threads?.count ?? threadCount())) {
    reporter.note(`${folder.path}: goes on with ${settings.threads} threads, as it began`);
  }
  return settings;
}
