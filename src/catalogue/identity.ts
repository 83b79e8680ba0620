// What a run is: the keys that make its numbers, as far as they are read, by what they mean. The
// door of this folder.
import { valueAt } from '../util/dotted.js';
import type { Role, Values } from './key.js';
import { KEY_PATHS, KEYS, rowOf, type KeyPath, type Reader } from './keys.js';
import { OF_TRAINING } from './network.js';
import { withoutAlias } from './optimizers.js';
import { configSchema, type Config } from './schema.js';

/** Reads a configuration, whole or as it was written; what is left out is at its default. */
export function readerOf(written: unknown): Reader {
  const read = (key: string): unknown => valueAt(written, key) ?? defaultOf(key);
  const optimizer = withoutAlias({
    name: String(read('optimizer.name')),
    adaptive: read('optimizer.adaptive'),
  });
  const own: Readonly<Record<string, unknown>> = {
    'optimizer.name': optimizer.name,
    'optimizer.adaptive': optimizer.adaptive,
  };
  return ((key: string) => (Object.hasOwn(own, key) ? own[key] : read(key))) as Reader;
}

/** Undefined where the key has none. */
export function defaultOf(key: string): unknown {
  defaults ??= configSchema.parse({
    name: 'any',
    data: { name: 'synthetic' },
    model: { name: 'resnet18' },
    optimizer: { name: 'sgd' },
  });
  return valueAt(defaults, key);
}

let defaults: Config | undefined;

/** What the key meant in a run like that of `config` whose version did not have it. */
export function meaningIfAbsent(key: KeyPath, config: Config): unknown {
  const at = readerOf(config);
  const then = Object.hasOwn(ABSENT, key) ? ABSENT[key] : defaultOf(key);
  return meaningOf(key, ((other: KeyPath) => (other === key ? then : at(other))) as Reader);
}

/** The keys that were not at their default in runs of versions that did not have them. */
export const ABSENT: Readonly<Record<string, unknown>> = Object.fromEntries(
  KEY_PATHS.flatMap((key) => (KEYS[key].absent === undefined ? [] : [[key, KEYS[key].absent]])),
);

/**
 * Whether the key is read in such a configuration: rho is not under sgd. A section is, if one of its
 * keys is.
 */
export function isRead(key: string, at: Reader): boolean {
  const row = rowOf(key);
  if (row !== null) return row.read?.(at as Values) ?? true;
  const below = keysBelow(key);
  return below.length === 0 || below.some((path) => isRead(path, at));
}

/** Whether a run's numbers depend on the key, or on one of its section, in such a configuration. */
export function counts(key: string, at: Reader): boolean {
  const row = rowOf(key);
  if (row === null) return keysBelow(key).some((path) => counts(path, at));
  return row.role !== 'nothing' && row.role !== 'name' && isRead(key, at);
}

const keysBelow = (section: string): KeyPath[] =>
  KEY_PATHS.filter((path) => path.startsWith(`${section}.`));

/** The value of a key by what it means: the published width, not null. */
export const meaningOf = (key: KeyPath, at: Reader): unknown => {
  const row = KEYS[key];
  return row.meaning === undefined ? at(key) : row.meaning(at(key), at as Values);
};

/** What makes a run what it is, and what a run that goes on must keep. */
const KEPT: readonly Role[] = ['result', 'rounding'];
/** What makes runs one point. */
const SHARED: readonly Role[] = [...KEPT, 'place'];
/** What makes two points of a sweep the same run. */
export const ALL_ROLES: readonly Role[] = [...SHARED, 'seed', 'device'];
/** Whatever somebody may have set. */
export const EVERY_ROLE: readonly Role[] = [...ALL_ROLES, 'name', 'nothing'];

/** Each tells what no other does. */
const keysOf = (roles: readonly Role[]): KeyPath[] =>
  KEY_PATHS.filter((key) => roles.includes(KEYS[key].role) && KEYS[key].toldBy === undefined);

/** The values that make the run what it is, in the schema's order; without its seed. */
export function identityOf(
  config: Config,
  roles: readonly Role[] = SHARED,
): ReadonlyMap<KeyPath, unknown> {
  const at = readerOf(config);
  const telling = keysOf(roles).filter((key) => isRead(key, at));
  return new Map(telling.map((key) => [key, meaningOf(key, at)]));
}

/** What the network of a run is, as it is evaluated; how its weights began and were trained is not of it. */
export const networkValues = (config: Config): ReadonlyMap<KeyPath, unknown> =>
  new Map(
    [...identityOf(config)].filter(
      ([key]) => key.startsWith('model.') && !OF_TRAINING.includes(key),
    ),
  );

/** What a checkpoint records of its run. */
export const keptValues = (config: Config): ReadonlyMap<KeyPath, unknown> =>
  identityOf(config, KEPT);

/**
 * One line for each key that makes two runs differ: `optimizer.rho: 0.1 -> 0.2`. None where they are
 * the same run.
 *
 * @param roles of the keys that are compared.
 */
export function differences(
  from: Config,
  to: Config,
  roles: readonly Role[] = [...KEPT, 'seed'],
): string[] {
  const [ours, theirs] = [readerOf(from), readerOf(to)];
  return keysOf(roles)
    .filter((key) => isRead(key, ours) || isRead(key, theirs))
    .map((key) => [key, show(meaningOf(key, ours)), show(meaningOf(key, theirs))] as const)
    .filter(([, before, after]) => before !== after)
    .map(([key, before, after]) => `${key}: ${before} -> ${after}`);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
