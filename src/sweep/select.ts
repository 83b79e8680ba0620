// The points that the command line's filters leave.
import { configJsonSchema, schemaAt } from '../config/jsonSchema.js';
import { readAssignments } from '../config/overrides.js';
import { toPlain } from '../config/located.js';
import { render, type Mistake } from '../config/mistakes.js';
import { valueAt } from '../config/text.js';
import { showFlag } from '../config/wording.js';
import { UserError } from '../util/errors.js';
import type { Point } from './points.js';

/**
 * @param filters `KEY=VALUE` each; several of one key widen, those of another narrow down.
 * @throws UserError for a filter that is not one, or where no point is left.
 */
export function selectPoints(points: readonly Point[], filters: readonly string[]): Point[] {
  const wanted = new Map<string, Set<string>>();
  for (const filter of filters) {
    const { key, value } = readFilter(filter);
    wanted.set(key, (wanted.get(key) ?? new Set()).add(JSON.stringify(value)));
  }
  const chosen = points.filter((point) =>
    [...wanted].every(([key, values]) => values.has(JSON.stringify(valueOf(point, key)))),
  );
  if (chosen.length > 0) return chosen;
  throw new UserError(
    `--filter ${filters.join(' --filter ')}: none of ${points.length} points is so`,
  );
}

function readFilter(filter: string): { key: string; value: unknown } {
  const mistakes: Mistake[] = [];
  const [overlay] = readAssignments([filter], mistakes, '--filter');
  if (overlay === undefined) throw new UserError(render(mistakes));
  const [key = ''] = filter.split('=', 1);
  const path = key.trim().split('.');
  if (schemaAt(configJsonSchema(), path) === undefined) {
    throw new UserError(
      `${showFlag('--filter', filter)}: unknown key, wanted one such as optimizer.name`,
    );
  }
  return { key: path.join('.'), value: valueAt(toPlain(overlay), path.join('.')) };
}

const valueOf = ({ config, values }: Point, key: string): unknown =>
  'mistakes' in config ? values[key] : valueAt(config, key);
