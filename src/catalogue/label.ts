// What to call a configuration among others: words for the values of its keys.
import { rowOf } from './keys.js';

/**
 * `fsam`, `rho0.1`, `width16`: a word speaks for itself, a number needs its key; with its section
 * where two of `keys` end alike.
 */
export function keyWord(key: string, value: unknown, keys: Iterable<string>): string {
  if (typeof value === 'string') return asName(value);
  return `${rowOf(key)?.word ?? asName(shortName(key, keys))}${asName(value)}`;
}

/** The last part of a key's name; all of it where another of `keys` ends alike. */
export function shortName(key: string, keys: Iterable<string>): string {
  const last = key.split('.').at(-1) ?? key;
  const alike = [...keys].some((other) => other !== key && other.split('.').at(-1) === last);
  return alike ? key : last;
}

/** As a file system, a shell and Slurm take it. */
export const asName = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^A-Za-z0-9._+-]+/g, '_');
