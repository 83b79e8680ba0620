// Waiting for what another process does.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** As long as anything may take on a busy machine, in milliseconds. */
export const MINUTES = 5 * 60_000;

/** Ends when something is so; where it never is, the test's own limit ends the test. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

/** Ends when there is something at `path`. */
export const untilThere = (path: string): Promise<void> => until(() => existsSync(path));
