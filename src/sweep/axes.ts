// The axes of a sweep file: what is varied, and the choices of each.
import { z } from 'zod';
import { configJsonSchema, keyPaths, schemaAt, type SchemaNode } from '../config/jsonSchema.js';
import { toPlain, type Located, type Place } from '../config/located.js';
import { explain, nearest, type Mistake } from '../config/mistakes.js';
import { show } from '../config/wording.js';
import { valuesOf } from './range.js';

/** The axis, and the key of an explicit point, that names the experiment file to start from. */
export const BASE = 'base';

/** A key of the configuration, or `base`, and what it is set to. */
export interface Assignment {
  readonly key: string;
  readonly value: Located;
}

/** One value of an axis. */
export interface Choice {
  /** The user's name for it, where it has one. */
  readonly label: string | null;
  readonly assignments: readonly Assignment[];
}

export interface Axis {
  readonly name: string;
  readonly choices: readonly Choice[];
}

const rangeSchema = z.strictObject({
  from: z.number(),
  to: z.number(),
  count: z.int().min(2).max(100000),
  scale: z.enum(['linear', 'log']).default('linear'),
});

/** Undefined where it is not one; `mistakes` then holds the reason. */
export function readAxis(name: string, written: Located, mistakes: Mistake[]): Axis | undefined {
  const refuse = (text: string): Axis | undefined => {
    mistakes.push({ place: written.place, text: `axes.${name}: ${text}` });
    return undefined;
  };
  const values = (items: readonly Located[]): Axis | undefined => {
    if (!isKnownKey(name, written.place, mistakes)) return undefined;
    const choices = items.map((value) => ({ label: null, assignments: [{ key: name, value }] }));
    return { name, choices };
  };
  switch (written.kind) {
    case 'scalar':
      return refuse(
        `got ${show(written.value)}, wanted a list of values, a range (from, to, count) or a map of choices`,
      );
    case 'list':
      if (written.items.length === 0) return refuse('got an empty list, wanted at least one value');
      return values(written.items);
    case 'map': {
      if (written.entries.size === 0) return refuse('got no choices, wanted at least one');
      if (written.entries.has('from')) {
        const range = readRange(name, written, mistakes);
        return range && values(range);
      }
      const choices = [...written.entries].map(([label, choice]) => ({
        label,
        assignments: readAssignmentsOf(choice, `axes.${name}.${label}`, mistakes),
      }));
      return { name, choices };
    }
    default:
      return written satisfies never;
  }
}

/** The keys of a map such as `set`, a choice or a point: dotted, each with its value. */
export function readAssignmentsOf(
  written: Located,
  where: string,
  mistakes: Mistake[],
): Assignment[] {
  if (written.kind !== 'map') {
    const text = `${where}: got ${show(toPlain(written))}, wanted a map such as { optimizer.rho: 0.1 }`;
    mistakes.push({ place: written.place, text });
    return [];
  }
  return [...written.entries]
    .filter(([key, value]) => isKnownKey(key, value.place, mistakes))
    .map(([key, value]) => ({ key, value }));
}

/** Holds `key` against the keys of a configuration. */
export function isKnownKey(key: string, place: Place, mistakes: Mistake[]): boolean {
  const known = [BASE, ...keyPaths(configJsonSchema()).filter((path) => path !== 'extends')];
  if (known.includes(key)) return true;
  const suggestion = nearest(key, known) ?? known.find((path) => path.split('.').at(-1) === key);
  const wayOut =
    suggestion === undefined ? 'wanted one such as optimizer.rho' : `did you mean ${suggestion}?`;
  mistakes.push({ place, text: `${key}: unknown key, ${wayOut}` });
  return false;
}

function readRange(name: string, written: Located, mistakes: Mistake[]): Located[] | undefined {
  const checked = rangeSchema.safeParse(toPlain(written));
  const refuse = (found: readonly Mistake[]): Located[] | undefined => {
    mistakes.push(...found.map(({ place, text }) => ({ place, text: `axes.${name}.${text}` })));
    return undefined;
  };
  if (!checked.success) {
    const schema = z.toJSONSchema(rangeSchema, { io: 'input' }) as SchemaNode;
    return refuse(explain(checked.error.issues, written, schema));
  }
  const { from, to, count, scale } = checked.data;
  if (scale === 'log' && (from <= 0 || to <= 0)) {
    const text = `from: got ${from} to ${to}, wanted both above 0 for scale: log`;
    return refuse([{ place: written.place, text }]);
  }
  const wholeNumbers = takesWholeNumbers(name);
  const values = valuesOf(checked.data, wholeNumbers);
  if (values === null) {
    const kind = wholeNumbers ? ' whole' : '';
    const text = `count: got ${count}, wanted fewer: there are not ${count} different${kind} numbers from ${from} to ${to}`;
    return refuse([{ place: written.place, text }]);
  }
  return values.map((value) => ({ kind: 'scalar', place: written.place, value }) as const);
}

function takesWholeNumbers(key: string): boolean {
  const node = schemaAt(configJsonSchema(), key.split('.'));
  const types = (node?.anyOf ?? [node]).map((choice) => choice?.type);
  return types.includes('integer') && !types.includes('number');
}
