// Sittings of a run on the real engine, which end as if a signal came.
import type { Config } from '../../../src/catalogue/schema.js';
import type { Interruption } from '../../../src/experiment/interruption.js';
import { runExperiment } from '../../../src/experiment/run.js';
import { createEngine } from '../../../src/tasks/engine.js';

/** Begins or goes on with the run in `folder`, until `stopAfter` steps are done in this sitting. */
export async function sitting(config: Config, folder: string, stopAfter: number) {
  const interruption: Interruption = { signal: null };
  let done = 0;
  const nothing = () => undefined;
  const step = () => {
    if (++done === stopAfter) interruption.signal = 'SIGTERM';
  };
  const reporter = {
    indexing: nothing,
    start: nothing,
    step,
    epoch: nothing,
    note: nothing,
    end: nothing,
  };
  const flags = { resume: true, overwrite: false, environment: { device: 'CPU' } };
  const workingFolder = process.cwd();
  const request = { config, folder, workingFolder, ...flags };
  return runExperiment({ ...request, createEngine, reporter, interruption });
}
