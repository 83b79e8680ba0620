// Signals that end a run in good order: the step under way is finished and saved.
import type { Interruption } from '../experiment/interruption.js';
import {
  exitCodeOf,
  hangUpIsIgnored,
  STOP_SIGNALS,
  type StopSignal,
} from '../util/stop-signals.js';

export interface SignalWatch {
  readonly interruption: Interruption;
  /** As the signal itself, but never the second one. */
  readonly interrupt: (signal: StopSignal) => void;
  /** Gives the signals back to Node. */
  readonly release: () => void;
}

/** Under nohup a hang-up is none. */
export const heeded = (): StopSignal[] =>
  STOP_SIGNALS.filter((signal) => signal !== 'SIGHUP' || !hangUpIsIgnored());

/**
 * Notes the first signal in `interruption` and tells `notify` of it. A second SIGINT ends the
 * process at once; what a run has written stays whole, because nothing is ever half-written.
 *
 * @param leaves whether a second SIGINT does; left out: yes
 */
export function watchSignals(notify: (signal: StopSignal) => void, leaves = true): SignalWatch {
  const interruption: Interruption = { signal: null };
  const interrupt = (signal: StopSignal): void => {
    if (interruption.signal !== null) return;
    interruption.signal = signal;
    notify(signal);
  };
  const listeners = heeded().map((signal) => {
    const listener = (): void => {
      if (interruption.signal === null) {
        interrupt(signal);
      } else if (leaves && signal === 'SIGINT') {
        process.exit(exitCodeOf(signal));
      }
    };
    // For SIGUSR1 this also takes the place of Node's debugger.
    process.on(signal, listener);
    return { signal, listener };
  });
  return {
    interruption,
    interrupt,
    release: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}
