// The device that a run used, which its configuration may leave open.
import { UserError } from '../util/errors.js';
import { readEnvironment, sittingsOf, type Environment } from './environment.js';
import type { RunFolder } from './folder.js';

/** `cpu`, `gpu`, or both where it went on on another; null where environment.json does not tell. */
export function deviceUsed(environment: Environment): string | null {
  const kinds = sittingsOf(environment).flatMap((sitting) => kindOf(sitting['device']) ?? []);
  return kinds.length === 0 ? null : [...new Set(kinds)].sort().join('+');
}

/** A GPU is recorded by its name. */
const kindOf = (device: unknown): 'cpu' | 'gpu' | null =>
  typeof device !== 'string' ? null : device === 'CPU' ? 'cpu' : 'gpu';

/** Errors: UserError where the run in `folder` used another kind of device than this process does. */
export async function refuseOtherDevice(folder: RunFolder, now: Environment): Promise<void> {
  const [used, device] = [
    deviceUsed(await readEnvironment(folder.environment)),
    kindOf(now['device']),
  ];
  if (used === null || device === null || used.includes(device)) return;
  const wayOut = used === 'cpu' ? 'go on with --device cpu' : 'go on where there is a GPU';
  throw new UserError(
    `${folder.path}: holds a run that used the ${used.toUpperCase()}, and this one would use the ` +
      `${device.toUpperCase()}, which rounds otherwise; ${wayOut}, or start anew with --overwrite`,
  );
}
