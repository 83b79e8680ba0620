// The door of this folder: one experiment from its configuration to its finished run folder.
import type { Config } from '../config/schema.js';
import type { CreateEngine } from '../train/engine.js';
import type { Reporter } from './reporter.js';

/** Set by a signal handler; the loop looks at it after every step. */
export interface Interruption {
  signal: 'SIGINT' | 'SIGTERM' | 'SIGUSR1' | null;
}

export interface RunRequest {
  readonly config: Config;
  /** The run folder itself; null puts it at results/NAME/VARIANT/seed-N. */
  readonly folder: string | null;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly createEngine: CreateEngine;
  readonly reporter: Reporter;
  readonly interruption: Interruption;
}

export type RunOutcome = 'finished' | 'interrupted';

export type RunExperiment = (request: RunRequest) => Promise<RunOutcome>;
