// Every key of the configuration by its dotted name, with what is known of it: labels, folders'
// names, points of a report, what resume compares and what a filter matches follow from this.
import { keysOf, type Key } from './key.js';
import { configSchema, type Config } from './schema.js';

type Leaf = string | number | boolean | null | readonly unknown[];

type PathsOf<T> = {
  [K in keyof T & string]: T[K] extends Leaf ? K : `${K}.${PathsOf<T[K]>}`;
}[keyof T & string];

/** The dotted name of a key that has a value: `optimizer.rho`. */
export type KeyPath = PathsOf<Config>;

type ValueOf<P extends string, T = Config> = P extends `${infer K}.${infer Rest}`
  ? K extends keyof T
    ? ValueOf<Rest, T[K]>
    : never
  : P extends keyof T
    ? T[P]
    : never;

/** The value of a key in a configuration. */
export type Reader = <P extends KeyPath>(key: P) => ValueOf<P>;

/** In the schema's order. */
export const KEYS = Object.fromEntries(keysOf(configSchema)) as Readonly<Record<KeyPath, Key>>;

export const KEY_PATHS = Object.keys(KEYS) as KeyPath[];

/** Null where it is no key that has a value: a section, or another word. */
export const rowOf = (key: string): Key | null =>
  Object.hasOwn(KEYS, key) ? KEYS[key as KeyPath] : null;
