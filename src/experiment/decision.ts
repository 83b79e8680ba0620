// What a command may do in a run folder, from what stands there and what was asked.
import { differences as differencesOf } from '../catalogue/identity.js';
import type { Config } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import { configOf, type FolderState, type RunFolder } from './folder.js';

/** What is to be done in a run folder. */
export type Decision =
  | { readonly kind: 'start' }
  | { readonly kind: 'resume'; readonly checkpoint: string }
  /** The run is finished. */
  | { readonly kind: 'nothing' };

export interface DecisionRequest {
  readonly config: Config;
  readonly resume: boolean;
  readonly overwrite: boolean;
}

/** Errors: UserError where the folder holds what must not be touched. */
export function decide(request: DecisionRequest, folder: RunFolder, state: FolderState): Decision {
  const { config, resume, overwrite } = request;
  if (resume && overwrite) {
    throw new UserError('--resume and --overwrite exclude each other: wanted one of them');
  }
  if (state.kind === 'empty' || overwrite) return { kind: 'start' };
  const run = state.finished ? 'a finished run' : 'an unfinished run';
  refuseOther(folder, config, run);
  if (!resume) {
    const wayOut = state.finished ? '' : 'continue it with --resume, ';
    throw new UserError(
      `${folder.path}: holds ${run}; ${wayOut}start anew with --overwrite, or name another folder with --out`,
    );
  }
  if (state.finished) return { kind: 'nothing' };
  const { checkpoint } = state;
  if (checkpoint === null) return { kind: 'start' };
  refuseOtherProbes(folder, config);
  return { kind: 'resume', checkpoint };
}

/** A mean over probes is over steps that are evenly spread, and over full gradients of one kind. */
function refuseOtherProbes(folder: RunFolder, config: Config): void {
  const differences = differencesOf(configOf(folder), config, ['nothing']).filter((difference) =>
    difference.startsWith('probes.'),
  );
  if (differences.length === 0) return;
  throw new UserError(
    `${folder.path}: began with other probes (${differences.join('; ')}), and its probes.csv would be of both; ` +
      'go on with the probes that it began with, or start anew with --overwrite',
  );
}

/** Errors: UserError where the folder holds a run of another configuration; `run` says which. */
export function refuseOther(folder: RunFolder, config: Config, run: string): void {
  const differences = differencesOf(configOf(folder), config);
  if (differences.length === 0) return;
  throw new UserError(
    `${folder.path}: holds ${run} of another configuration (${differences.join('; ')}); ` +
      'start anew with --overwrite, or name another folder with --out',
  );
}
