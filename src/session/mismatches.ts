// What is told of a file whose tensors are not those of the network: all of it at once, with the way out where it is
// known.
import type { TensorSpec } from '../nn/layout.js';
import { firstOf } from '../util/counted.js';
import { FLOATS } from '../util/safetensors-floats.js';

export interface Mismatches {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly shapes: readonly string[];
  readonly dtypes: readonly string[];
}

/** A line each; none where all fits. */
export const toldOf = ({ missing, unexpected, shapes, dtypes }: Mismatches): string[] => [
  ...list('missing', missing),
  ...list('unexpected', unexpected),
  ...list('of another shape', shapes),
  ...list(`of a dtype other than ${FLOATS.join(', ')}, to be converted to float32`, dtypes),
];

const list = (what: string, names: readonly string[]): string[] =>
  names.length === 0 ? [] : [`${names.length} ${what} (${firstOf(names)})`];

/** The value of a key that an extent of a tensor is, by its name and axis. */
const KEYS: readonly (readonly [name: RegExp, axis: number, key: (extent: number) => string])[] = [
  [/^transformer\.wpe\.weight$/, 0, (extent) => `data.context=${extent}`],
  [
    /^transformer\.wte\.weight$/,
    0,
    (extent) =>
      extent === 256
        ? 'data.tokens=bytes'
        : `data.tokens=characters and a text of ${extent} different ones`,
  ],
  [/^transformer\.wte\.weight$/, 1, (extent) => `model.width=${extent}`],
  [/^patch_embed\.proj\.weight$/, 0, (extent) => `model.patch=${extent}`],
  [/^patch_embed\.proj\.weight$/, 3, (extent) => `model.width=${extent}`],
];

/** A block of a transformer. */
const LAYER = /^(?:transformer\.h|blocks)\.(\d+)\./;

/**
 * The keys, with their values, that the file's tensors are of, and the network's are not, where shapes and names tell.
 *
 * @param found shapes of what the file has, by the names of the network's
 */
export function keysOf(
  wanted: readonly TensorSpec[],
  found: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): string[] {
  const keys = wanted.flatMap(({ name, shape }) => {
    const other = found.get(name)?.shape;
    if (other?.length !== shape.length) return [];
    return KEYS.flatMap(([tensor, axis, key]) => {
      const extent = other[axis];
      return tensor.test(name) && extent !== undefined && extent !== shape[axis]
        ? [key(extent)]
        : [];
    });
  });
  const [ours, theirs] = [layersIn(wanted.map(({ name }) => name)), layersIn([...found.keys()])];
  return [
    ...keys,
    ...(ours > 0 && theirs > 0 && ours !== theirs ? [`model.layers=${theirs}`] : []),
  ];
}

const layersIn = (names: readonly string[]): number =>
  Math.max(0, ...names.map((name) => 1 + Number(LAYER.exec(name)?.[1] ?? -1)));

/** What stands before most of the names, as `model.`; null where nothing does. */
export function commonPrefix(
  names: readonly string[],
  found: ReadonlyMap<string, unknown>,
): string | null {
  for (const key of found.keys()) {
    const name = names.find((one) => key.endsWith(`.${one}`));
    if (name === undefined) continue;
    const prefix = key.slice(0, -name.length);
    const behind = names.filter((one) => found.has(prefix + one)).length;
    if (2 * behind > names.length) return prefix;
  }
  return null;
}
