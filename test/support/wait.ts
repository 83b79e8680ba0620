// Waiting for what another process does.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** As long as anything may take on a busy machine, in milliseconds. */
export const MINUTES = 5 * 60_000;

/** Ends when there is something at `path`; where it never comes, the test's own limit ends the test. */
export async function untilThere(path: string): Promise<void> {
  while (!existsSync(path)) await sleep(20);
}
