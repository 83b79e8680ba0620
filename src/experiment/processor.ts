// How a run uses the processor: the number of threads, and whether TensorFlow computes with oneDNN.
// The last bits of its numbers depend on both, so that it goes on with what it began with.
import type { Config } from '../catalogue/schema.js';
import { placesOf } from '../data/load.js';
import { placesRead } from '../data/resize.js';
import { averageConvolution } from '../catalogue/network.js';
import type { ProcessorSettings } from '../native/device.js';
import { chooseOneDnn, isOursToChoose, oneDnnTold, processorFlags } from '../native/onednn.js';
import { threadsTold } from '../native/threads.js';
import { UserError } from '../util/errors.js';
import { readEnvironment } from './environment.js';
import { inspectFolder, type RunFolder } from './folder.js';
import { largestPart } from './steps.js';

/** For environment.json. */
export const describeProcessor = ({
  threads,
  onednn,
}: {
  readonly threads: number;
  readonly onednn: { readonly on: boolean; readonly reason: string };
}): Readonly<Record<string, unknown>> => ({
  threads,
  onednn: onednn.on ? 'on' : 'off',
  onednnReason: onednn.reason,
});

/**
 * What a run of `config` begins with.
 *
 * @param threads null: as the environment says, or every core.
 */
export async function settingsFor(
  config: Config,
  threads: number | null,
): Promise<ProcessorSettings> {
  const flags = processorFlags();
  // Without a look at the data set where that would decide nothing: it may be long.
  if (!isOursToChoose(flags) || oneDnnTold() !== null) return { threads, onednn: null };
  try {
    const places = placesRead(config.data, await placesOf(config.data, config.seed));
    const batch = largestPart(config);
    const onednn = chooseOneDnn(batch * averageConvolution(config.model, places), flags);
    return { threads, onednn };
  } catch (error) {
    // What is wrong with the data shows where it is read.
    if (error instanceof UserError) return { threads, onednn: null };
    throw error;
  }
}

const AS_BEGUN = 'as the run began';

/** What a run began with; null where its environment.json does not tell. */
interface Begun {
  readonly threads: number | null;
  readonly onednn: boolean | null;
}

/** Of the run in `folder`. */
export async function begunWith(folder: RunFolder): Promise<Begun> {
  const { threads, onednn } = await readEnvironment(folder.environment);
  return {
    threads: typeof threads === 'number' && threads >= 1 ? threads : null,
    onednn: onednn === 'on' ? true : onednn === 'off' ? false : null,
  };
}

/** Null where there is no run that --resume would go on with. */
export async function unfinishedWith(folder: RunFolder): Promise<Begun | null> {
  const state = await inspectFolder(folder);
  const goesOn = state.kind === 'run' && !state.finished && state.checkpoint !== null;
  return goesOn ? begunWith(folder) : null;
}

/** A number of threads, and whether the user asked for it; other numbers give way to what a run began with. */
export interface Threads {
  readonly count: number;
  /** As the user wrote it, such as `--threads 4`. */
  readonly asked: string | null;
}

/**
 * What the run in `folder` goes on with.
 *
 * @throws UserError where the user asks for something else than it began with.
 */
export function settingsToGoOn(
  folder: RunFolder,
  begun: Begun,
  flag: Threads | null,
): ProcessorSettings {
  const { threads, onednn } = begun;
  const told = threadsTold();
  const wanted =
    flag ?? (told === null ? null : { count: told, asked: `TF_NUM_INTRAOP_THREADS=${told}` });
  const refuse = (asked: string, began: string): never => {
    throw new UserError(
      `${asked}: the run in ${folder.path} began with ${began}, on which its last bits depend; ` +
        `leave ${asked.replace(/[ =].*/, '')} out, or start anew with --overwrite`,
    );
  };
  if (threads !== null && wanted !== null && wanted.asked !== null && wanted.count !== threads) {
    refuse(wanted.asked, `${threads}`);
  }
  const isOn = oneDnnTold();
  if (onednn !== null && isOn !== null && isOn !== onednn) {
    refuse(`TF_ENABLE_ONEDNN_OPTS=${isOn ? 1 : 0}`, `oneDNN ${onednn ? 'on' : 'off'}`);
  }
  return {
    threads: threads ?? wanted?.count ?? null,
    onednn: onednn === null ? null : { on: onednn, reason: AS_BEGUN },
  };
}

/** What the run that began so is evaluated with, unless the user asks for something else. */
export function settingsToEvaluate(begun: Begun, threads: number | null): ProcessorSettings {
  const { onednn } = begun;
  return {
    threads: threads ?? threadsTold() ?? begun.threads,
    onednn: onednn === null ? null : { on: onednn, reason: AS_BEGUN },
  };
}
