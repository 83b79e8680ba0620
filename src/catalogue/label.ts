// What to call a configuration among others: words for the values of its keys.
import { rowOf } from './keys.js';

/**
 * Names by the values of `keys`, such as `fsam-rho0.1`; null goes without saying. Equal values have
 * one name; unlike ones have two, if need be with every key and value in full.
 *
 * @param nameless the name of the one at an index that has no values to tell.
 */
export function namesOf(
  all: readonly ReadonlyMap<string, unknown>[],
  keys: readonly string[],
  nameless: (index: number) => string,
): string[] {
  const own = all.map((values) =>
    keys.filter((key) => values.has(key)).map((key) => [key, values.get(key)] as const),
  );
  const short = own.map((entries, i) => {
    const words = saying(entries).map(([key, value]) => keyWord(key, value, keys));
    return words.length === 0 ? nameless(i) : words.join('-');
  });
  const full = own.map((entries) =>
    entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', '),
  );
  return short.map((name, i) =>
    short.some((other, j) => other === name && full[j] !== full[i]) ? (full[i] ?? name) : name,
  );
}

/** Entries without nulls, unless nothing would be left to call it by. */
function saying<T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  const said = entries.filter(([, value]) => value !== null);
  return said.length > 0 ? said : entries;
}

/**
 * `fsam`, `rho0.1`, `width16`: a word speaks for itself, a number needs its key; with its section
 * where two of `keys` end alike.
 */
export function keyWord(
  key: string,
  value: unknown,
  keys: Iterable<string>,
  clean: typeof asName = asName,
): string {
  if (typeof value === 'string') return clean(value);
  return `${rowOf(key)?.word ?? asName(shortName(key, keys))}${clean(value)}`;
}

/** The last part of a key's name; all of it where another of `keys` ends alike. */
export function shortName(key: string, keys: Iterable<string>): string {
  const last = key.split('.').at(-1) ?? key;
  const alike = [...keys].some((other) => other !== key && other.split('.').at(-1) === last);
  return alike ? key : last;
}

/** As a file system, a shell and Slurm take it: never empty, nor a folder's `.` and `..`. */
export const asName = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value))
    .replace(/[^A-Za-z0-9._+-]+/g, '_')
    .replace(/^\.{0,2}$/, '_');
