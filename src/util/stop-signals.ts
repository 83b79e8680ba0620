// Signals that end a run in good order, and whether a hang-up is one of them.
import { constants } from 'node:os';

/** SIGUSR1 is what batch systems send before the time is up. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** As the shell reports a program that the signal ended. */
export const exitCodeOf = (signal: StopSignal): number => 128 + constants.signals[signal];

/** Undefined where `exitCode` tells of something else. */
export const stopSignalOf = (exitCode: number): StopSignal | undefined =>
  STOP_SIGNALS.find((signal) => exitCodeOf(signal) === exitCode);

/** More than workers get the same signal. */
const BASE = 64;

/** As a number whose sum over workers tells `signalIn` one of theirs (of 64 or more, maybe another); null: none. */
export const signalCode = (signal: StopSignal | null): number =>
  signal === null ? 0 : BASE ** STOP_SIGNALS.indexOf(signal);

/** One of the signals of a sum of `signalCode`. */
export const signalIn = (sum: number): StopSignal | null =>
  STOP_SIGNALS.findLast((_, i) => sum >= BASE ** i) ?? null;

/** Whether this process was started so that a hang-up leaves it alone, as by nohup: bin/fsam tells. */
export const hangUpIsIgnored = (): boolean => process.env['FSAM_SIGHUP'] === 'ignored';
