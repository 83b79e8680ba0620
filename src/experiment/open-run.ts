// A run that was trained, to be evaluated or analysed: its configuration and one of its checkpoints.
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import { listFolder } from '../util/folders.js';
import { configOf, inspectFolder, runFolder, type RunFolder } from './folder.js';

interface OpenRun {
  readonly config: Config;
  /** Its path. */
  readonly checkpoint: string;
  /** Whether it is that of the best epoch. */
  readonly isBest: boolean;
}

/**
 * The run in the folder `path`, to evaluate `checkpoint`: `best`, or a path, or null for the newest.
 *
 * Errors: UserError where there is no run, or it has no checkpoint.
 */
export async function openRun(path: string, checkpoint: string | null): Promise<OpenRun> {
  const folder = runFolder(path);
  const state = await inspectFolder(folder);
  if (state.kind === 'empty') {
    const there = (await listFolder(path)) !== null;
    const problem = there ? 'holds no run' : 'there is no such folder';
    throw new UserError(
      `${path}: ${problem}; wanted a run folder such as results/NAME/VARIANT/seed-1`,
    );
  }
  const chosen = checkpoint === 'best' ? bestOf(folder) : (checkpoint ?? state.checkpoint);
  if (chosen === null) {
    const problem = state.finished
      ? 'holds no checkpoint any more; bring its files back'
      : 'holds no checkpoint yet; wait for one, or go on with fsam train --resume';
    throw new UserError(`${folder.checkpoints}: ${problem}`);
  }
  const found = statSync(chosen, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    const problem = found === undefined ? 'there is no such file' : 'is no file';
    throw new UserError(
      `--checkpoint ${chosen}: ${problem}; wanted best, or the path of a checkpoint`,
    );
  }
  const isBest = resolve(chosen) === resolve(folder.best);
  return { config: configOf(folder), checkpoint: chosen, isBest };
}

function bestOf({ best }: RunFolder): string {
  if (existsSync(best)) return best;
  throw new UserError(
    `${best}: no such file; wanted a run with checkpoint.keepBest: true and an epoch better than those before it`,
  );
}
