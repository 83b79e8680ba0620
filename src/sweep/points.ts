// The points of a sweep: every combination of its axes, each a whole configuration with a name.
import { ALL_ROLES, identityOf, isRead, readerOf } from '../catalogue/identity.js';
import { checkConfig } from '../config/load.js';
import { readReferred } from '../config/files.js';
import { merge, nest, toPlain, type Located } from '../config/located.js';
import { render, type Mistake } from '../config/mistakes.js';
import type { Config } from '../catalogue/schema.js';
import { valueAt } from '../util/dotted.js';
import { required, UserError } from '../util/errors.js';
import { BASE, type Assignment, type Choice } from './axes.js';
import type { Sweep } from './load.js';
import { distinctNames, nameOf, type Name } from './names.js';

export interface Point {
  /** From 1, in the order of the file. */
  readonly number: number;
  /** Its run folder, under that of the sweep: `fsam-rho0.1/seed-1`. */
  readonly name: string;
  /** What makes it this point, by key. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The user's name for its choice, by axis. */
  readonly choices: Readonly<Record<string, string>>;
  /** The configuration; or why there is none, a mistake a line. */
  readonly config: Config | { readonly mistakes: string };
}

/** A choice, and the axis that it is of; null for an explicit point. */
interface Chosen extends Choice {
  readonly axis: string | null;
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
 * @param workingFolder what relative paths are relative to; those of `overlays`: the folder one is in.
 * @throws UserError where an overlay would undo an axis, no point is valid, or two would share a
 *   folder.
 */
export function expand(
  sweep: Sweep,
  overlays: readonly Located[],
  workingFolder = process.cwd(),
): Point[] {
  const varied = variedKeys(sweep);
  refuseUndoing(varied, overlays);
  const grid = sweep.axes.reduce<readonly (readonly Chosen[])[]>(
    (combinations, { name, choices }) =>
      combinations.flatMap((chosen) =>
        choices.map((choice) => [...chosen, { ...choice, axis: name }]),
      ),
    [[]],
  );
  const explicit = sweep.points.map((assignments) => [{ axis: null, label: null, assignments }]);
  const combinations = [...(sweep.axes.length === 0 ? [] : grid), ...explicit];
  const read = baseReader(sweep);
  const points = new Map<string, Omit<Point, 'number' | 'name'> & Name>();
  for (const combination of combinations) {
    const base = read(combination.flatMap((choice) => choice.assignments));
    const chosen =
      'mistakes' in base ? combination : applicable(combination, sweep, base, overlays);
    const assignments = chosen.flatMap((choice) => choice.assignments);
    const values = Object.fromEntries(assignments.map(({ key, value }) => [key, toPlain(value)]));
    const config =
      'mistakes' in base ? base : configure(lay(base, sweep, assignments), overlays, workingFolder);
    const identity = identityOfPoint(values, config);
    if (points.has(identity)) continue;
    const choices = labelsIn(chosen);
    const name = nameOf(sweep.folder, varied, chosen, values, config);
    points.set(identity, { values, choices, config, ...name });
  }
  const names = distinctNames([...points.values()]);
  const all = [...points.values()].map(({ values, choices, config }, i) => {
    return { number: i + 1, name: required(names[i], 'a name'), values, choices, config };
  });
  refuseAll(all);
  refuseShared(sweep, all);
  return all;
}

/** Points are the same where their runs are. */
function identityOfPoint(
  values: Readonly<Record<string, unknown>>,
  config: Point['config'],
): string {
  return JSON.stringify(
    'mistakes' in config ? Object.entries(values).sort() : [...identityOf(config, ALL_ROLES)],
  );
}

/** What of the user's names for choices applies. */
const labelsIn = (chosen: readonly Chosen[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    chosen.flatMap(({ axis, label }) => (axis === null || label === null ? [] : [[axis, label]])),
  );

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
  combination: readonly Chosen[],
  sweep: Sweep,
  base: Located,
  overlays: readonly Located[],
): Chosen[] {
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
  written: Located,
  overlays: readonly Located[],
  workingFolder: string,
): Point['config'] {
  const checked = checkConfig(overlays.reduce(merge, written), workingFolder);
  return 'mistakes' in checked ? { mistakes: render(checked.mistakes) } : checked.config;
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

/** Keys of axes that no point reads, so that points which differ in them alone are one. */
export function keysWithoutEffect({ axes }: Sweep, points: readonly Point[]): string[] {
  const keys = axes.flatMap(({ choices }) =>
    choices.flatMap(({ assignments }) => assignments.map(({ key }) => key)),
  );
  return [...new Set(keys)].filter(
    (key) => key !== BASE && !points.some(({ values }) => Object.hasOwn(values, key)),
  );
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
