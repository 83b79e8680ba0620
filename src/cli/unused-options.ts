// Options that are given where they change nothing.
import { UserError } from '../util/errors.js';
import { flagOf } from './flag.js';

/** @param beside what they were given with, and why that has no use for them */
export function refuseUnused<K extends string>(
  flags: Partial<Readonly<Record<K, unknown>>>,
  names: readonly K[],
  beside: string,
): void {
  const given = names.filter((name) => flags[name] !== undefined);
  if (given.length === 0) return;
  throw new UserError(`${given.map(flagOf).join(', ')}: got it with ${beside}`);
}
