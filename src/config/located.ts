// Values as the user wrote them, each with the place it came from, so that a mistake can be pointed
// at.

/** Where something was written: a line of a file, or an argument of the command line. */
export type Place =
  | {
      readonly kind: 'file';
      readonly file: string;
      /** From 1; null means the file as a whole. */
      readonly line: number | null;
      readonly column?: number;
    }
  | {
      readonly kind: 'argument';
      /** As typed: `--epochs 0`. */
      readonly text: string;
      /** The key that it sets. */
      readonly path: readonly string[];
    };

export type Located =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: ReadonlyMap<string, Located> }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Located[] }
  | {
      readonly kind: 'scalar';
      readonly place: Place;
      readonly value: unknown;
      /** A number as it was written, which the value may not show: 007, 9007199254740993. */
      readonly text?: string;
    };

/** `base` with `overlay` on top: maps are merged key by key, lists and scalars replaced. */
export function merge(base: Located, overlay: Located): Located {
  if (base.kind !== 'map' || overlay.kind !== 'map') return overlay;
  const entries = new Map(base.entries);
  for (const [key, value] of overlay.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? value : merge(below, value));
  }
  // A key that is missing altogether is looked for in the file, not in the argument that set
  // another.
  const place = overlay.place.kind === 'file' ? overlay.place : base.place;
  return { kind: 'map', place, entries };
}

/**
 * The bare value. `Object.fromEntries` defines keys, so that one called `__proto__` is a key like
 * any other.
 */
export function toPlain(located: Located): unknown {
  switch (located.kind) {
    case 'map':
      return Object.fromEntries([...located.entries].map(([key, value]) => [key, toPlain(value)]));
    case 'list':
      return located.items.map(toPlain);
    case 'scalar':
      return located.value;
    default:
      return located satisfies never;
  }
}

/**
 * The value at `path`, undefined where there is none, and the place of it or of the nearest map
 * around it.
 */
export function lookUp(
  root: Located,
  path: readonly PropertyKey[],
): { readonly found: Located | undefined; readonly place: Place } {
  let found: Located | undefined = root;
  let place = root.place;
  for (const step of path) {
    found = childOf(found, step);
    place = found?.place ?? place;
  }
  return { found, place };
}

function childOf(parent: Located | undefined, step: PropertyKey): Located | undefined {
  if (parent?.kind === 'map') return parent.entries.get(String(step));
  if (parent?.kind === 'list') return parent.items[Number(step)];
  return undefined;
}

/**
 * A map of maps that holds `value` at `path`: what `--set optimizer.rho=0.1` lays over the file.
 */
export function nest(path: readonly string[], value: Located): Located {
  return path.reduceRight<Located>(
    (inner, key) => ({ kind: 'map', place: value.place, entries: new Map([[key, inner]]) }),
    value,
  );
}
