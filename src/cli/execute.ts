// One run from its configuration to its end, with signals, output and the device seen to.
import type { Config } from '../config/schema.js';
import type { Threads } from '../experiment/processor.js';
import type { WorkingFolder } from '../experiment/working-folder.js';
import type { ProcessorSettings } from '../native/device.js';
import { required } from '../util/errors.js';
import { Interrupted } from './failure.js';
import { tell } from './output.js';
import type { RunReporter } from './reporter.js';
import { watchSignals, type SignalWatch } from './signals.js';

interface Configured {
  readonly config: Config;
  readonly folder: string | null;
}

interface Execution {
  /**
   * Reads the configuration, whose relative paths are to be relative to `workingFolder`; the run folder too, null
   * for the usual one.
   */
  readonly configure: (workingFolder: string) => Promise<Configured>;
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
    const { config, folder, working } = await configured(configure, resume);
    const { createReporter } = await import('./reporter.js');
    reporter = createReporter({ quiet, maxSteps: config.maxSteps });

    const { noteOnGone } = await import('../experiment/working-folder.js');
    const note = noteOnGone(working, config);
    if (note !== null) reporter.note(note);

    const { openDevice } = await import('../native/device.js');
    const { pathsFrom } = await import('../config/paths.js');
    const placed = pathsFrom(working.path, config);
    const { NOTHING_WRITTEN, unlessInterrupted } = await import('../experiment/interruption.js');
    // These may read the data set, which may keep them waiting.
    const settings = await unlessInterrupted(
      interruption,
      processorSettings(placed, folder, resume, threads, reporter),
    );
    if (settings === null) {
      reporter.note(NOTHING_WRITTEN);
      throw new Interrupted(required(interruption.signal, 'a signal'), wayOut, true);
    }
    const device = await openDevice(config.device, settings);
    // Only now: this loads TensorFlow, which openDevice has made ready for the device.
    const { createEngine } = await import('../train/engine.js');
    const { runExperiment } = await import('../experiment/run.js');
    const { describeEnvironment } = await import('./machine.js');
    const outcome = await runExperiment({
      config,
      folder,
      workingFolder: working.path,
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

/** The configuration, and the folder that its relative paths are relative to. */
async function configured(
  configure: Execution['configure'],
  resume: boolean,
): Promise<Configured & { readonly working: WorkingFolder }> {
  const { workHere, workingFolderOf } = await import('../experiment/working-folder.js');
  const here = workHere();
  const first = await configure(here.path);
  if (!resume) return { ...first, working: here };
  const { defaultFolder, runFolder } = await import('../experiment/folder.js');
  const working = await workingFolderOf(runFolder(first.folder ?? defaultFolder(first.config)));
  const again = working.path === here.path ? first : await configure(working.path);
  return { ...again, working };
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
