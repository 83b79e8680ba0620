// How many workers shared the batches of a run: their parts climb and are normalised by themselves, so that runs of other
// numbers of them are other runs.
import { sittingsOf, type Environment } from './environment.js';

/** Of one sitting of a run. */
export const workersIn = ({ workers }: Environment): number =>
  typeof workers === 'number' ? workers : 1;

/** `2`, or `2+1` where it went on with another number; null for a run of one process. */
export function workersUsed(environment: Environment): string | null {
  const numbers = sittingsOf(environment).map(workersIn);
  const used = numbers.filter((number, i) => number !== numbers[i - 1]).join('+');
  return used === '1' ? null : used;
}
