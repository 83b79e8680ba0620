// Runs that differ in nothing but their seed are one point of a report.
import { identityOf } from '../catalogue/identity.js';
import { namesOf } from '../catalogue/label.js';
import { bestOf } from '../catalogue/task.js';
import { TRAIN_LOSS } from '../catalogue/tasks.js';
import { OPTIMIZER_TITLES } from '../catalogue/optimizers.js';
import { pretrainedSchema } from '../experiment/pretrained.js';
import type { Scores } from '../experiment/summary.js';
import { required, UserError } from '../util/errors.js';
import { numberAt, usedBy, type Run } from './runs.js';

export interface Point {
  /** `fsam-rho0.1`, from the keys in which the points differ. */
  readonly label: string;
  /** Those keys, as far as they count for this point; none that follows from the others. */
  readonly values: ReadonlyMap<string, unknown>;
  /** All keys that differ among the points, such as a width that belongs to a network. */
  readonly details: ReadonlyMap<string, unknown>;
  /** By seed, ascending; at least one. */
  readonly runs: readonly [Run, ...Run[]];
  /** Folders of runs that are others over again, to the number, each with that of the other. */
  readonly copies: readonly Copy[];
}

interface Copy {
  readonly folder: string;
  readonly of: string;
}

/** `b: the same run as a, counted once`, for each. */
export const copyNotes = (points: readonly Point[]): string[] =>
  points.flatMap(({ copies }) =>
    copies.map(({ folder, of }) => `${folder}: the same run as ${of}, counted once`),
  );

/** Runs of one configuration, kind of device and number of workers, in the order found. */
interface Group {
  readonly values: ReadonlyMap<string, unknown>;
  readonly runs: [Run, ...Run[]];
}

/**
 * The points of these runs, in the order of their values.
 *
 * @param alsoBy keys that set points apart beside those of the runs' identity
 *
 * Errors: UserError where two runs have the same configuration and seed, and unlike numbers.
 */
export function pointsOf(
  runs: readonly Run[],
  alsoBy: (run: Run) => ReadonlyMap<string, unknown> = () => new Map(),
): Point[] {
  const groups = new Map<string, Group>();
  const pretrainedAs = pretrainedNames();
  for (const run of runs) {
    const values = new Map<string, unknown>(identityOf(run.config));
    const pretrained = pretrainedAs(run);
    if (pretrained !== null) values.set('model.pretrained', pretrained);
    for (const [name, used] of usedBy(run)) values.set(name, used);
    for (const [name, value] of alsoBy(run)) values.set(name, value);
    const identity = JSON.stringify([...values]);
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, { values, runs: [run] });
    else group.runs.push(run);
  }
  const all = [...groups.values()];
  const values = all.map((group) => group.values);
  const differing = differingKeys(values);
  const telling = tellingKeys(values, differing);
  const names = namesOf(values, telling, (i) => experimentsOf(required(all[i], 'a group')));
  const points = all.map((group, i) => ({
    label: required(names[i], 'a name'),
    ...pointOf(group, differing, telling),
  }));
  return points.sort((a, b) => comparePoints(a, b, telling));
}

/**
 * Names what runs began with by its content, where their environment has it: by its path in the first run of that
 * content, and by its hash, too, where an earlier one had that path with another.
 */
function pretrainedNames(): (run: Run) => string | null {
  const names = new Map<string, string>();
  return ({ config, environment }) => {
    const { success, data } = pretrainedSchema.safeParse(environment['pretrained']);
    const path = config.model.pretrained;
    if (!success || path === null) return path;
    const { sha256 } = data;
    const isTaken = [...names.values()].includes(path);
    const name = names.get(sha256) ?? (isTaken ? `${path} (sha256 ${sha256.slice(0, 12)})` : path);
    names.set(sha256, name);
    return name;
  };
}

/**
 * Those that do not have one value in all points. The optimizer's come last, its name the first of
 * them.
 */
function differingKeys(points: readonly ReadonlyMap<string, unknown>[]): string[] {
  const values = new Map<string, Set<string>>();
  for (const point of points) {
    for (const [key, value] of point) {
      values.set(key, (values.get(key) ?? new Set()).add(JSON.stringify(value)));
    }
  }
  const differing = [...values].filter(([, set]) => set.size > 1).map(([key]) => key);
  const ofOptimizer = (key: string): boolean => key.startsWith('optimizer.');
  return [...differing.filter((key) => !ofOptimizer(key)), ...differing.filter(ofOptimizer)];
}

/** Those of `keys` that tell points apart which the ones before do not: networks and optimizers first. */
function tellingKeys(
  points: readonly ReadonlyMap<string, unknown>[],
  keys: readonly string[],
): string[] {
  const first = ['model.name', 'optimizer.name'].filter((key) => keys.includes(key));
  const groupsBy = (chosen: readonly string[]): number =>
    new Set(points.map((point) => JSON.stringify(chosen.map((key) => point.get(key) ?? null))))
      .size;
  const telling = [...first, ...keys.filter((key) => !first.includes(key))].reduce<
    readonly string[]
  >(
    (chosen, key) => (groupsBy([...chosen, key]) > groupsBy(chosen) ? [...chosen, key] : chosen),
    [],
  );
  return keys.filter((key) => telling.includes(key));
}

/** A point that nothing sets apart is called by its experiments. */
const experimentsOf = ({ runs }: Group): string =>
  [...new Set(runs.map(({ config }) => config.name))].join(', ');

function pointOf(
  { values: own, runs: found }: Group,
  differing: readonly string[],
  telling: readonly string[],
): Omit<Point, 'label'> {
  const { runs, copies } = withoutCopies(found);
  const pick = (keys: readonly string[]) =>
    new Map(keys.flatMap((key) => (own.has(key) ? [[key, own.get(key)]] : [])));
  return { values: pick(telling), details: pick(differing), runs, copies };
}

/** By seed; a run that came to the numbers of another of its seed does not count again. */
function withoutCopies(found: readonly [Run, ...Run[]]): Pick<Point, 'runs' | 'copies'> {
  const bySeed = new Map<number, Run>();
  const copies: Copy[] = [];
  for (const run of found) {
    const before = bySeed.get(run.config.seed);
    if (before === undefined) bySeed.set(run.config.seed, run);
    else if (cameTo(run) === cameTo(before)) copies.push({ folder: run.folder, of: before.folder });
    else {
      throw new UserError(
        `${run.folder}: is the same run as ${before.folder} (configuration and seed), with other numbers; name one of them`,
      );
    }
  }
  const [first = found[0], ...others] = [...bySeed.values()].sort(
    (a, b) => a.config.seed - b.config.seed,
  );
  return { runs: [first, ...others], copies };
}

/** What is the same for the same run, whatever its size of evaluation steps. */
const cameTo = ({ config, epochs }: Run): string =>
  JSON.stringify(
    epochs.map((row) => [numberAt(row, TRAIN_LOSS), numberAt(row, bestOf(config).test.column)]),
  );

function comparePoints(a: Point, b: Point, keys: readonly string[]): number {
  for (const key of keys) {
    const order = compareValues(a.values.get(key), b.values.get(key));
    if (order !== 0) return order;
  }
  return 0;
}

/** Optimizers in their order, numbers by size, the rest as text; what is not there comes first. */
function compareValues(a: unknown, b: unknown): number {
  const rank = (value: unknown) => (OPTIMIZER_TITLES as readonly unknown[]).indexOf(value);
  if (rank(a) >= 0 && rank(b) >= 0) return rank(a) - rank(b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1;
  if (b === undefined || b === null) return 1;
  const [left, right] = [a, b].map((value) =>
    typeof value === 'string' ? value : JSON.stringify(value),
  ) as [string, string];
  return left < right ? -1 : Number(left > right);
}

/** Seeds that another point has, and this one lacks. */
export function missingSeeds(point: Point, points: readonly Point[]): number[] {
  const own = seedsIn(point);
  const all = [...new Set(points.flatMap(seedsIn))].sort((a, b) => a - b);
  return all.filter((seed) => !own.includes(seed));
}

/** Ascending. */
export const seedsIn = ({ runs }: Point): number[] => runs.map(({ config }) => config.seed);

/** One score of each run with one of these seeds, in their order; of every run where none are named. */
export const scoresOf = (
  point: Point,
  score: keyof Scores,
  seeds: readonly number[] = seedsIn(point),
): number[] =>
  point.runs.filter(({ config }) => seeds.includes(config.seed)).map(({ scores }) => scores[score]);

/**
 * What the best epoch of each run was chosen by, of the validation set, in the order of the seeds; null where nothing was
 * held out.
 */
export function validationOf(point: Point): number[] | null {
  const values = point.runs.flatMap(({ bestValidation }) => bestValidation ?? []);
  return values.length === 0 ? null : values;
}
