// The points that the command line's filters leave.
import { counts, meaningOf, readerOf } from '../catalogue/identity.js';
import { rowOf, type KeyPath } from '../catalogue/keys.js';
import { toPlain } from '../config/located.js';
import { configJsonSchema, schemaAt } from '../config/jsonSchema.js';
import { render, type Mistake } from '../config/mistakes.js';
import { readAssignments } from '../config/overrides.js';
import { valueAt } from '../util/dotted.js';
import { showFlag } from '../config/wording.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { BASE } from './axes.js';
import { baseName } from './names.js';
import { isValid, type Point } from './points.js';

/** `KEY=VALUE`: KEY is one of the configuration, `base`, or an axis with a name of its own. */
interface Filter {
  readonly key: string;
  /** As typed. */
  readonly text: string;
  readonly value: unknown;
}

/**
 * @param filters `KEY=VALUE` each; several of one key widen, those of another narrow down.
 * @throws UserError for a filter that is not one, or where no point is left.
 */
export function selectPoints(points: readonly Point[], filters: readonly string[]): Point[] {
  const wanted = new Map<string, Filter[]>();
  for (const typed of filters) {
    const filter = readFilter(typed, points);
    wanted.set(filter.key, [...(wanted.get(filter.key) ?? []), filter]);
  }
  const chosen = points.filter((point) =>
    [...wanted.values()].every((ofKey) => ofKey.some((filter) => matches(point, filter))),
  );
  if (chosen.length > 0) return chosen;
  const flags = filters.map((filter) => showFlag('--filter', filter)).join(' ');
  const hints = [...wanted.keys()].map((key) => hintFor(key, points)).join('');
  throw new UserError(`${flags}: none of ${counted(points.length, 'point')} is so${hints}`);
}

function readFilter(typed: string, points: readonly Point[]): Filter {
  const mistakes: Mistake[] = [];
  const [overlay] = readAssignments([typed], mistakes, '--filter');
  if (overlay === undefined) throw new UserError(render(mistakes));
  const equals = typed.indexOf('=');
  const path = typed.slice(0, equals).trim().split('.');
  const key = path.join('.');
  const isKnown =
    key === BASE ||
    schemaAt(configJsonSchema(), path) !== undefined ||
    labelsOf(key, points).length > 0;
  if (!isKnown) {
    throw new UserError(
      `${showFlag('--filter', typed)}: unknown key, wanted one such as optimizer.name${ownAxes(points)}`,
    );
  }
  return { key, text: typed.slice(equals + 1).trim(), value: valueAt(toPlain(overlay), key) };
}

/** A key that has no effect at a point matches nothing there, whatever the base says. */
function matches(point: Point, { key, text, value }: Filter): boolean {
  const { choices, values, config } = point;
  const label = Object.hasOwn(choices, key) ? choices[key] : undefined;
  if (label !== undefined && label === text) return true;
  const isSo = (own: unknown): boolean => JSON.stringify(own) === JSON.stringify(value);
  if (Object.hasOwn(values, key)) {
    return isSo(values[key]) || (key === BASE && baseName(values[key]) === text);
  }
  if (!isValid(point)) return false;
  const at = readerOf(config);
  if (!counts(key, at)) return false;
  return isSo(valueAt(config, key)) || (rowOf(key) !== null && isSo(meaningOf(key as KeyPath, at)));
}

/** The user's names on the axis `key`. */
const labelsOf = (key: string, points: readonly Point[]): string[] => [
  ...new Set(
    points.flatMap(({ choices }) => (Object.hasOwn(choices, key) ? (choices[key] ?? []) : [])),
  ),
];

function ownAxes(points: readonly Point[]): string {
  const axes = [...new Set(points.flatMap(({ choices }) => Object.keys(choices)))];
  return axes.length === 0 ? '' : `, or an axis of this sweep: ${axes.join(', ')}`;
}

function hintFor(key: string, points: readonly Point[]): string {
  const labels = labelsOf(key, points);
  if (labels.length > 0) return `; ${key} is one of ${labels.join(', ')}`;
  const isRead = points.some(
    (point) =>
      Object.hasOwn(point.values, key) || (isValid(point) && counts(key, readerOf(point.config))),
  );
  return isRead || key === BASE ? '' : `; ${key} has no effect in any of them`;
}
