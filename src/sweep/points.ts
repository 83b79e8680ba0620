// The points of a sweep: every combination of its axes, each a whole configuration with a name.
import { isRead, readerOf } from '../catalogue/identity.js';
import { asName, keyWord } from '../catalogue/label.js';
import { variantName } from '../catalogue/variant.js';
import { checkConfig } from '../config/load.js';
import { readReferred } from '../config/files.js';
import { merge, nest, toPlain, type Located } from '../config/located.js';
import { render, type Mistake } from '../config/mistakes.js';
import type { Config } from '../config/schema.js';
import { valueAt } from '../config/text.js';
import { UserError } from '../util/errors.js';
import { BASE, type Assignment, type Choice } from './axes.js';
import type { Sweep } from './load.js';

export interface Point {
  /** From 1, in the order of the file. */
  readonly number: number;
  /** Its run folder, under that of the sweep: `fsam-rho0.1/seed-1`. */
  readonly name: string;
  /** What makes it this point, by key. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The configuration; or why there is none, a mistake a line. */
  readonly config: Config | { readonly mistakes: string };
}

export function isValid(point: Point): point is Point & { readonly config: Config } {
  return !('mistakes' in point.config);
}

/** How many there are before those that come to the same collapse. */
export function countPoints({ axes, points }: Sweep): number {
  const grid = axes.reduce((product, { choices }) => product * choices.length, 1);
  return (axes.length === 0 ? 0 : grid) + points.length;
}

/**
 * 1. Combine the axes, the first of them slowest; then the explicit points.
 * 2. Leave out what does not apply, and points that come to the same.
 * 3. Check each configuration, and name it.
 *
 * @param overlays what the command line lays over every point.
 * @throws UserError where an overlay would undo an axis, no point is valid, or two would share a
 *   folder.
 */
export function expand(sweep: Sweep, overlays: readonly Located[]): Point[] {
  const varied = variedKeys(sweep);
  refuseUndoing(varied, overlays);
  const grid = sweep.axes.reduce<readonly (readonly Choice[])[]>(
    (combinations, { choices }) =>
      combinations.flatMap((chosen) => choices.map((choice) => [...chosen, choice])),
    [[]],
  );
  const explicit = sweep.points.map((assignments) => [{ label: null, assignments }]);
  const combinations = [...(sweep.axes.length === 0 ? [] : grid), ...explicit];
  const read = baseReader(sweep);
  const points = new Map<string, Point>();
  for (const combination of combinations) {
    const base = read(combination.flatMap((choice) => choice.assignments));
    const chosen =
      'mistakes' in base ? combination : applicable(combination, sweep, base, overlays);
    const assignments = chosen.flatMap((choice) => choice.assignments);
    const values = Object.fromEntries(assignments.map(({ key, value }) => [key, toPlain(value)]));
    const identity = JSON.stringify(Object.entries(values).sort());
    if (points.has(identity)) continue;
    const config = 'mistakes' in base ? base : configure(base, sweep, assignments, overlays);
    const name = nameOf(sweep.folder, varied, chosen, values, config);
    points.set(identity, { number: points.size + 1, name, values, config });
  }
  const all = [...points.values()];
  refuseAll(all);
  refuseShared(sweep, all);
  return all;
}

type Unreadable = { readonly mistakes: string };

/** Reads the experiment file that a point starts from, each of them once. */
function baseReader({
  set,
  place,
}: Sweep): (assignments: readonly Assignment[]) => Located | Unreadable {
  const known = new Map<Located, Located | Unreadable>();
  const read = (named: Located | undefined): Located | Unreadable => {
    const mistakes: Mistake[] = [];
    if (named?.kind === 'scalar' && typeof named.value === 'string') {
      const base = readReferred(named.value, named.place, mistakes);
      if (base !== null && mistakes.length === 0) return base;
    } else {
      const text = 'base: missing, wanted an experiment file such as ../quickstart.yaml';
      mistakes.push({ place: named?.place ?? place, text });
    }
    return { mistakes: render(mistakes) };
  };
  return (assignments) => {
    const named = [...set, ...assignments].findLast(({ key }) => key === BASE)?.value;
    const base = (named && known.get(named)) ?? read(named);
    if (named !== undefined) known.set(named, base);
    return base;
  };
}

/** `base` with the keys of `set` and of the point laid over it. */
function lay(base: Located, { set }: Sweep, assignments: readonly Assignment[]): Located {
  return [...set, ...assignments]
    .filter(({ key }) => key !== BASE)
    .map(({ key, value }) => nest(key.split('.'), value))
    .reduce(merge, base);
}

/** The choices without the assignments that do not apply at this point. */
function applicable(
  combination: readonly Choice[],
  sweep: Sweep,
  base: Located,
  overlays: readonly Located[],
): Choice[] {
  const assignments = combination.flatMap((choice) => choice.assignments);
  const written = toPlain(overlays.reduce(merge, lay(base, sweep, assignments)));
  const at = readerOf(written);
  const applies = (key: string): boolean =>
    isRead(key, at) &&
    sweep.conditions
      .filter((condition) => condition.key === key)
      .flatMap(({ where }) => Object.entries(where))
      .every(([other, allowed]) => allowed.includes(valueAt(written, other)));
  return combination
    .map((choice) => ({
      ...choice,
      assignments: choice.assignments.filter(({ key }) => applies(key)),
    }))
    .filter((choice) => choice.assignments.length > 0);
}

function configure(
  base: Located,
  sweep: Sweep,
  assignments: readonly Assignment[],
  overlays: readonly Located[],
): Point['config'] {
  const checked = checkConfig(overlays.reduce(merge, lay(base, sweep, assignments)));
  return 'mistakes' in checked ? { mistakes: render(checked.mistakes) } : checked.config;
}

/** The folder of a point: what was chosen, then the seed. */
function nameOf(
  template: string | null,
  varied: ReadonlySet<string>,
  chosen: readonly Choice[],
  values: Readonly<Record<string, unknown>>,
  config: Point['config'],
): string {
  const own = 'mistakes' in config ? null : config;
  // Without a configuration there is no run, and only a name to call it by.
  const place = `seed-${asName(own?.seed ?? values['seed'] ?? 1)}`;
  if (template !== null) return `${filled(template, own, values)}/${place}`;
  const words = chosen.flatMap(({ label, assignments }) =>
    label === null
      ? assignments
          .filter(({ key }) => key !== 'seed' && varied.has(key))
          .map(({ key }) => wordFor(key, values[key], varied))
      : [asName(label)],
  );
  const rest = own === null ? 'point' : variantName(own);
  return `${words.length === 0 ? rest : words.join('-')}/${place}`;
}

/** A base is called by its file. */
function wordFor(key: string, value: unknown, varied: ReadonlySet<string>): string {
  const file =
    key === BASE
      ? String(value)
          .replace(/^.*\//, '')
          .replace(/\.ya?ml$/, '')
      : value;
  return keyWord(key, file, varied);
}

/** The keys that tell points apart: those of an axis with one value do not. */
function variedKeys({ axes, points }: Sweep): ReadonlySet<string> {
  const varying = axes.filter(({ choices }) => choices.length > 1);
  const assignments = [
    ...varying.flatMap(({ choices }) => choices.flatMap((choice) => choice.assignments)),
    ...points.flat(),
  ];
  return new Set(assignments.map(({ key }) => key));
}

/** The template with the values of the keys in braces. */
function filled(
  template: string,
  config: Config | null,
  values: Readonly<Record<string, unknown>>,
): string {
  return template.replace(/\{([^{}]*)\}/g, (_, key: string) =>
    asName(key in values ? values[key] : (valueAt(config, key) ?? null)),
  );
}

/** A value for all points, for a key in which they differ, would leave them names that lie. */
function refuseUndoing(varied: ReadonlySet<string>, overlays: readonly Located[]): void {
  for (const { place } of overlays) {
    if (place.kind !== 'argument') continue;
    const key = place.path.join('.');
    if (![...varied].some((other) => `${other}.`.startsWith(`${key}.`))) continue;
    const text = `is what the points of this sweep differ in, wanted --filter ${key}=VALUE, or another sweep file`;
    throw new UserError(render([{ place, text }]));
  }
}

/** One wrong value is one failed point; a mistake that all of them share is the sweep's. */
function refuseAll(points: readonly Point[]): void {
  if (points.some(isValid)) return;
  const first = points[0]?.config;
  throw new UserError(first !== undefined && 'mistakes' in first ? first.mistakes : 'no points');
}

function refuseShared(sweep: Sweep, points: readonly Point[]): void {
  const seen = new Map<string, Point>();
  for (const point of points) {
    const other = seen.get(point.name);
    if (other !== undefined) {
      const text =
        `folder: points ${other.number} and ${point.number} would both be ${point.name}, ` +
        'wanted a name for each: put the keys that they differ in into it';
      throw new UserError(render([{ place: sweep.place, text }]));
    }
    seen.set(point.name, point);
  }
}
