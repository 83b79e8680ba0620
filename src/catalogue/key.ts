// What a key of the configuration is: its values, and all that the rest of the program knows of it.
// Sections are made of keys, and of the keys that the rows of variants have.
import { z } from 'zod';
import { InternalError, required } from '../util/errors.js';

/** Reads a configuration by dotted names, which a row cannot check: they follow from all rows. */
export type Values = (key: string) => unknown;

/**
 * What depends on a key. `result`: every number of a run. `rounding`: their last digits. `place`: what
 * is read there, which may be moved while a run stands. `seed`: what is drawn; runs that differ in
 * nothing else are one point. `device`: nothing by itself, but the device that was used because of it
 * counts. `name`: what a run is called. `nothing`: none of these.
 */
export type Role = 'result' | 'rounding' | 'place' | 'seed' | 'device' | 'name' | 'nothing';

/** What is known of a key with values of type T. */
interface About<T> {
  readonly role: Role;
  /** One or two sentences; a function, where they follow from rows that come later. */
  readonly help: string | (() => string);
  /** Whether it is read, by the values of other keys; left out: always. */
  readonly read?: (at: Values) => boolean;
  /** What its value means, where several mean the same: null, for the published width. */
  meaning?(value: T, at: Values): unknown;
  /** The key whose meaning tells this one's value, too. */
  readonly toldBy?: string;
  /** What stands before a number in labels; left out: the last part of its name. */
  readonly word?: string;
  /** On the axis of a figure; left out: the last part of its name. */
  readonly title?: string;
  /** Whether the name of a run's folder tells it; left out: never. */
  readonly folder?: 'always' | 'unless default';
  /** How it does, where that is another word than in labels. */
  folderWord?(value: T): string;
  /**
   * What it was in the runs of versions that did not have it; left out: its default, or no such
   * version wrote runs.
   */
  readonly absent?: T;
}

export interface Key<T extends z.ZodType = z.ZodType> extends About<z.output<T>> {
  readonly type: T;
}

/** A section within another. */
interface Below<T extends z.ZodType = z.ZodType> {
  readonly type: T;
  readonly help: About<unknown>['help'];
  readonly read?: (at: Values) => boolean;
}

type Entry = Key | Below;
export type Entries = Readonly<Record<string, Entry>>;

export const key = <T extends z.ZodType>(type: T, about: About<z.output<T>>): Key<T> => ({
  type,
  ...about,
});

export const below = <T extends z.ZodType>(type: T, help: string): Below<T> => ({ type, help });

/** What the types in the schemas of sections were made of. */
const KNOWN = new WeakMap<z.core.$ZodType, Entry>();

/** The schema of a section with these keys, in their order, and no others. */
export function section<E extends Entries>(entries: E) {
  const shape = Object.entries(entries).map(([name, entry]) => {
    const help = typeof entry.help === 'string' ? entry.help : entry.help();
    const type = entry.type.describe(help);
    KNOWN.set(type, entry);
    return [name, type] as const;
  });
  return z.strictObject(Object.fromEntries(shape) as { -readonly [N in keyof E]: E[N]['type'] });
}

/** All keys of a section and of those below it, by dotted name. */
export function keysOf(schema: z.ZodType): [string, Key][] {
  return Object.entries(shapeOf(schema)).flatMap(([name, type]): [string, Key][] => {
    const entry = required(KNOWN.get(type), `what is known of ${name}`);
    if ('role' in entry) return [[name, entry]];
    return keysOf(entry.type).map(([path, one]) => [`${name}.${path}`, within(entry, one)]);
  });
}

/** A key of a section is read where the section is. */
const within = ({ read }: Below, one: Key): Key =>
  read === undefined ? one : { ...one, read: (at) => read(at) && (one.read?.(at) ?? true) };

/** Of a section, whatever is wrapped around it. */
function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (schema instanceof z.ZodPrefault) return shapeOf(schema.unwrap());
  // A section that is transformed once it is checked.
  if (schema instanceof z.ZodPipe) return shapeOf(schema.in);
  throw new InternalError('a part of the configuration is neither a key nor a section');
}

/** The variants of something that is chosen by name, and the keys that each reads. */
export type Rows = Readonly<Record<string, { readonly keys: Entries }>>;
type NameIn<Row> = Row extends { readonly keys: infer K } ? keyof K & string : never;
type KeyIn<Row, N> = Row extends { readonly keys: infer K }
  ? N extends keyof K
    ? K[N]
    : never
  : never;

/** The keys of all rows of a table. */
type KeysOfRows<R extends Rows> = {
  readonly [N in NameIn<R[keyof R]>]: KeyIn<R[keyof R], N>;
};

/**
 * The keys of all rows, each once, in the order of the rows. One that not all rows have is read where
 * the row that is `chosen` has it, and its help ends with the names of those that do.
 *
 * @param called a row's names in the help.
 */
export function keysOfRows<R extends Rows>(
  rows: R,
  chosen: (at: Values) => unknown,
  called: (name: string) => readonly string[] = (name) => [name],
): KeysOfRows<R> {
  const keys = new Map<string, Entry>();
  for (const [name, one] of Object.values(rows).flatMap((row) => Object.entries(row.keys))) {
    if ((keys.get(name) ?? one) !== one) throw new InternalError(`two keys are called ${name}`);
    keys.set(name, one);
  }
  const entries = [...keys].map(([name, one]): [string, Entry] => {
    const readers = Object.keys(rows).filter((row) => rows[row]?.keys[name] !== undefined);
    if (readers.length === Object.keys(rows).length) return [name, one];
    return [name, readBy(one, readers, chosen, readers.flatMap(called))];
  });
  return Object.fromEntries(entries) as KeysOfRows<R>;
}

function readBy(
  one: Entry,
  readers: readonly string[],
  chosen: (at: Values) => unknown,
  names: readonly string[],
): Entry {
  const { help } = one;
  return {
    ...one,
    help: typeof help === 'string' ? help.replace(/\.$/, ` (${names.join(', ')}).`) : help,
    read: (at) => (readers as readonly unknown[]).includes(chosen(at)) && (one.read?.(at) ?? true),
  };
}

/** The names of a table's rows, as `z.enum` takes them. */
export const rowNames = <R extends object>(rows: R): readonly (keyof R & string)[] =>
  Object.keys(rows) as (keyof R & string)[];

/** `sam, asam and fsam`. */
export function inWords(names: readonly string[]): string {
  const last = required(names.at(-1), 'a name');
  return names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
}
