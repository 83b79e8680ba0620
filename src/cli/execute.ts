// One run from its configuration to its end, with signals, output and the device seen to.
import { loadConfig, type ConfigRequest } from '../config/load.js';
import { pathsFrom } from '../config/paths.js';
import type { Config } from '../catalogue/schema.js';
import { defaultFolder, runFolder } from '../experiment/folder.js';
import { NOTHING_WRITTEN, unlessInterrupted } from '../experiment/interruption.js';
import {
  settingsFor,
  settingsToGoOn,
  unfinishedWith,
  type Threads,
} from '../experiment/processor.js';
import { runExperiment } from '../experiment/run.js';
import {
  noteOnGone,
  workHere,
  workingFolderOf,
  type WorkingFolder,
} from '../experiment/working-folder.js';
import { joinWorkers } from '../graph/workers.js';
import { openDevice, type ProcessorSettings } from '../native/device.js';
import { threadCount } from '../native/threads.js';
import { createEngine } from '../tasks/engine.js';
import { EndedElsewhere, required } from '../util/errors.js';
import { describeLost, LostWorker } from '../util/lost-worker.js';
import { exitCodeOf } from '../util/stop-signals.js';
import { isStarted, type WorkersPlace } from '../util/workers-place.js';
import { Interrupted } from './failure.js';
import { describeEnvironment } from './machine.js';
import { createReporter, type RunReporter } from './reporter.js';
import type { RunWatch } from './run-watch.js';

interface Configured {
  readonly config: Config;
  readonly folder: string | null;
}

interface Execution {
  /** Released at the end. */
  readonly watch: RunWatch;
  /**
   * Reads the configuration, whose relative paths are to be relative to `workingFolder`; the run folder too, null
   * for the usual one.
   */
  readonly configure: (workingFolder: string) => Configured;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly quiet: boolean;
  /** Null: as the environment says, or every core. */
  readonly threads: Threads | null;
  /** Which of several workers this process is; null: it trains alone. */
  readonly place: WorkersPlace | null;
  /** How to go on after an interruption. */
  readonly wayOut: string;
}

/** What a command line asks for; `folder` is the run folder, null for the usual one. */
export const asked =
  (request: ConfigRequest, folder: string | null) =>
  (workingFolder: string): Configured => ({
    config: loadConfig({ ...request, workingFolder }),
    folder,
  });

/**
 * 1. Read the configuration: mistakes show before anything slow.
 * 2. Load TensorFlow for the device asked for.
 * 3. Run.
 */
export async function execute(execution: Execution): Promise<void> {
  const { watch, configure, resume, overwrite, quiet, threads, place, wayOut } = execution;
  const { interruption } = watch;
  // The first worker speaks for all.
  const isQuietWorker = place !== null && place.index > 0;
  let reporter: RunReporter | null = null;
  try {
    const { config, folder, working } = await configured(configure, resume);
    reporter = createReporter({ quiet: quiet || isQuietWorker, maxSteps: config.maxSteps });
    watch.tellBy(reporter.note);
    const note = noteOnGone(working, config);
    if (note !== null) reporter.note(note);

    const placed = pathsFrom(working.path, config);
    // These may read the data set, which may keep them waiting.
    const settings = await unlessInterrupted(
      interruption,
      // A worker has the share of a batch that a device would have.
      processorSettings(
        { ...placed, devices: placed.devices * (place?.addresses.length ?? 1) },
        folder,
        resume,
        threads,
        reporter,
      ),
    );
    if (settings === null) {
      reporter.note(NOTHING_WRITTEN);
      throw new Interrupted(required(interruption.signal, 'a signal'), wayOut, true);
    }
    // Slurm shows each its own.
    const share = isStarted() && place !== null ? { worker: place.index, ...config } : null;
    const device = openDevice(config.device, settings, config, share);
    const workers =
      place === null
        ? undefined
        : joinWorkers(place, { devices: config.devices, kind: device.inUse });
    const outcome = await runExperiment({
      config,
      folder,
      workingFolder: working.path,
      resume,
      overwrite,
      environment: {
        ...(await describeEnvironment(device)),
        workers: workers?.count ?? 1,
      },
      createEngine,
      workers,
      reporter,
      interruption,
    });
    if (outcome !== 'finished' && interruption.signal !== null) {
      // All were told of the same signal: the first worker says so.
      if (outcome === 'interrupted' && isQuietWorker) {
        throw new EndedElsewhere(exitCodeOf(interruption.signal));
      }
      throw new Interrupted(interruption.signal, wayOut, outcome === 'reading');
    }
  } catch (error) {
    if (place === null || !(error instanceof LostWorker)) throw error;
    throw new LostWorker(await describeLost(place, error.reason), error.reason);
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
  const here = workHere();
  const first = configure(here.path);
  if (!resume) return { ...first, working: here };
  const working = await workingFolderOf(runFolder(first.folder ?? defaultFolder(first.config)));
  const again = working.path === here.path ? first : configure(working.path);
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
  const folder = runFolder(path ?? defaultFolder(config));
  const begun = resume ? await unfinishedWith(folder) : null;
  if (begun === null) return settingsFor(config, threads?.count ?? null);
  const settings = settingsToGoOn(folder, begun, threads);
  if (settings.threads !== null && settings.threads !== (threads?.count ?? threadCount())) {
    reporter.note(`${folder.path}: goes on with ${settings.threads} threads, as it began`);
  }
  return settings;
}
