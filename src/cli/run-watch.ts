// Signals to a run, watched before all that it takes to run is loaded.
import { tell } from './output.js';
import { watchSignals, type SignalWatch } from './signals.js';

export interface RunWatch extends SignalWatch {
  /** Hands what a signal does to whoever shows the run from now on. */
  readonly tellBy: (note: (text: string) => void) => void;
}

/**
 * Nothing else may be loaded first: until then a signal ends the process, or starts Node's debugger.
 *
 * @param leaves whether a second SIGINT ends the process at once; left out: yes
 */
export function watchRun(quiet: boolean, leaves = true): RunWatch {
  let note = quiet ? () => undefined : tell;
  const watch = watchSignals((signal) => {
    note(`${signal}: finishing the step and saving; a second Ctrl-C leaves at once`);
  }, leaves);
  return {
    ...watch,
    tellBy: (other) => {
      note = other;
    },
  };
}
