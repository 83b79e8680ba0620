// A sweep file, read and checked: what `fsam sweep --config` names.
import { readConfig } from '../config/files.js';
import { toPlain, type Located, type Place } from '../config/located.js';
import { explain, render, type Mistake } from '../config/mistakes.js';
import { UserError } from '../util/errors.js';
import {
  BASE,
  isKnownKey,
  readAssignmentsOf,
  readAxis,
  type Assignment,
  type Axis,
} from './axes.js';
import { sweepJsonSchema, sweepSchema } from './schema.js';

/** Where a key applies: each of the named keys has one of these values. */
interface Condition {
  readonly key: string;
  readonly where: Readonly<Record<string, readonly unknown[]>>;
}

export interface Sweep {
  readonly name: string;
  /** Of the file as a whole. */
  readonly place: Place;
  /** `base` among them, where the file has one for all. */
  readonly set: readonly Assignment[];
  readonly axes: readonly Axis[];
  readonly points: readonly (readonly Assignment[])[];
  readonly conditions: readonly Condition[];
  readonly folder: string | null;
}

/**
 * @param name a path, or a name under configs/sweeps/ with or without `.yaml`.
 * @throws UserError with every mistake found, one a line.
 */
export function loadSweep(name: string): Sweep {
  const mistakes: Mistake[] = [];
  const written = readConfig(name, mistakes, 'sweeps');
  if (written === null) throw new UserError(render(mistakes));
  if (isExperiment(written)) {
    const text = `is an experiment, wanted a sweep file with axes or points; fsam train --config ${name} runs an experiment`;
    throw new UserError(render([{ place: written.place, text }]));
  }
  const checked = sweepSchema.safeParse(toPlain(written));
  if (!checked.success) {
    mistakes.push(...explain(checked.error.issues, written, sweepJsonSchema()));
    throw new UserError(render(mistakes));
  }
  const child = (key: string): Located | undefined =>
    written.kind === 'map' ? written.entries.get(key) : undefined;
  const base = child(BASE);
  const sweep: Sweep = {
    name: checked.data.name,
    place: written.place,
    set: [
      ...(base === undefined ? [] : [{ key: BASE, value: base }]),
      ...assignmentsIn(child('set'), 'set', mistakes),
    ],
    axes: entriesOf(child('axes')).flatMap(
      ([axis, values]) => readAxis(axis, values, mistakes) ?? [],
    ),
    points: itemsOf(child('points')).map((point, i) =>
      assignmentsIn(point, `points.${i}`, mistakes),
    ),
    conditions: Object.entries(checked.data.only).map(([key, where]) => ({ key, where })),
    folder: checked.data.folder ?? null,
  };
  for (const [key, where] of entriesOf(child('only'))) {
    isKnownKey(key, where.place, mistakes);
    for (const [other, values] of entriesOf(where)) isKnownKey(other, values.place, mistakes);
  }
  if (mistakes.length > 0) throw new UserError(render(mistakes));
  if (sweep.axes.length === 0 && sweep.points.length === 0) {
    const text =
      'has neither axes nor points, wanted one such as axes: { optimizer.rho: [0.1, 0.2] }';
    throw new UserError(render([{ place: written.place, text }]));
  }
  return sweep;
}

/** Every key of it would be a mistake. */
function isExperiment(written: Located): boolean {
  const has = (key: string): boolean => written.kind === 'map' && written.entries.has(key);
  return has('model') && ![BASE, 'axes', 'points'].some(has);
}

function assignmentsIn(
  written: Located | undefined,
  where: string,
  mistakes: Mistake[],
): Assignment[] {
  return written === undefined ? [] : readAssignmentsOf(written, where, mistakes);
}

function entriesOf(written: Located | undefined): [string, Located][] {
  return written?.kind === 'map' ? [...written.entries] : [];
}

function itemsOf(written: Located | undefined): readonly Located[] {
  return written?.kind === 'list' ? written.items : [];
}
