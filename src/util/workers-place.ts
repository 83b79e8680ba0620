/** Which of the processes that train together this is, and where all are. */
export interface WorkersPlace {
  /** From 0. */
  readonly index: number;
  /** `host:port` of each, in their order. */
  readonly addresses: readonly string[];
  /** After which one that waits for another gives up. */
  readonly timeoutSeconds: number;
}

/** What `fsam train --workers` tells the processes that it starts. */
export const WORKER_VARIABLE = 'FSAM_WORKER';

/** Whether `fsam train --workers` started this process. */
export const isStarted = (): boolean => process.env[WORKER_VARIABLE] !== undefined;

/** Whether this process is one so started, and not the first worker. */
export const isLaterWorker = (): boolean =>
  isStarted() && process.env[WORKER_VARIABLE]?.split(',')[0] !== '0';

/** Of a worker that ends because of what the first one tells: to the process that started it. */
const TOLD_BY_FIRST = 76;

export const isToldByFirst = (exitCode: number | null): boolean => exitCode === TOLD_BY_FIRST;

/** What a worker but the first ends with where a run has failed for all. */
export const exitCodeOfAll = (): number => (isStarted() ? TOLD_BY_FIRST : 1);

/** Of a worker that is well, but for another that is lost: told to the process that started it. */
const OTHER_LOST = 75;

export const isOtherLost = (exitCode: number | null): boolean => exitCode === OTHER_LOST;

/** What a process ends with where another worker is lost. */
export const exitCodeOfLost = (): number => (isStarted() ? OTHER_LOST : 1);

/** Until a worker that waits for another gives up, where nothing else is asked for. */
export const WORKER_TIMEOUT_SECONDS = 300;
