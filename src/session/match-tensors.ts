// Whether what a file of weights holds fits a network, tensor by tensor.
import type { TensorSpec } from '../nn/layout.js';
import { shapeFromPytorch } from '../nn/pytorch-layout.js';
import { shapeInFile } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { FLOATS } from '../util/safetensors-floats.js';
import type { TensorEntry } from '../util/safetensors.js';
import type { Slot } from './slot.js';

/** The slots that such a file fills. */
export const NETWORK = ['parameters', 'statistics'] as const;
/** Names told of each kind of mismatch. */
const TOLD = 4;

/** A tensor of the network's and what the file has for it. */
export interface Match {
  readonly slot: 'parameters' | 'statistics';
  readonly tensor: TensorSpec;
  readonly entry: TensorEntry;
  /** In our order of axes. */
  readonly shape: readonly number[];
}

/** Errors: UserError that tells all mismatches. */
export function match(
  path: string,
  network: string,
  slots: readonly Slot[],
  entries: ReadonlyMap<string, TensorEntry>,
  turned: boolean,
  isOther: boolean,
): { readonly matches: readonly Match[]; readonly left: string | null } {
  const wanted = NETWORK.flatMap((slot) =>
    required(
      slots.find(({ name }) => name === slot),
      slot,
    ).tensors.map((tensor) => ({ slot, tensor })),
  );
  const heads = wanted.filter(({ tensor }) => tensor.isHead === true).map(({ tensor }) => tensor);
  const shapeOf = (entry: TensorEntry) => (turned ? shapeFromPytorch(entry) : entry.shape);
  const left = classifierLeft(heads, entries, shapeOf, isOther);
  const problems = { missing: [] as string[], shapes: [] as string[], dtypes: [] as string[] };
  const matches: Match[] = [];
  for (const { slot, tensor } of wanted) {
    const entry = entries.get(tensor.name);
    if (left !== null && tensor.isHead === true) continue;
    if (entry === undefined) {
      problems.missing.push(tensor.name);
      continue;
    }
    const shape = shapeOf(entry);
    if (!FLOATS.includes(entry.dtype)) problems.dtypes.push(`${tensor.name} ${entry.dtype}`);
    if (fits(shape, tensor)) matches.push({ slot, tensor, entry, shape });
    else
      problems.shapes.push(
        `${tensor.name} ${shapeInFile(shape)}, wanted ${shapeInFile(tensor.shape)}${keyOf(shape, tensor)}`,
      );
  }
  const names = new Set(wanted.map(({ tensor }) => tensor.name));
  const unexpected = [...entries.keys()].filter((name) => !names.has(name));
  const told = [
    list('missing', problems.missing),
    list('unexpected', unexpected),
    list('of another shape', problems.shapes),
    list(`of a dtype other than ${FLOATS.join(', ')}, to be converted to float32`, problems.dtypes),
  ].filter((line) => line !== null);
  if (told.length === 0) return { matches, left };
  const prefix = commonPrefix(
    wanted.map(({ tensor }) => tensor.name),
    entries,
  );
  const hint =
    prefix === null
      ? ''
      : `; its names begin with ${prefix}, wanted a file that has them without it`;
  throw new UserError(`${path}: does not fit ${network}: ${told.join('; ')}${hint}`);
}

/** What stands before most of the names, as `model.`; null where nothing does. */
function commonPrefix(
  names: readonly string[],
  entries: ReadonlyMap<string, TensorEntry>,
): string | null {
  for (const key of entries.keys()) {
    const name = names.find((one) => key.endsWith(`.${one}`));
    if (name === undefined) continue;
    const prefix = key.slice(0, -name.length);
    const found = names.filter((one) => entries.has(prefix + one)).length;
    if (2 * found > names.length) return prefix;
  }
  return null;
}

/** What is told of a classifier that is not taken; null where it is, or the network has none of its own. */
function classifierLeft(
  heads: readonly TensorSpec[],
  entries: ReadonlyMap<string, TensorEntry>,
  shapeOf: (entry: TensorEntry) => readonly number[],
  isOther: boolean,
): string | null {
  if (heads.length === 0) return null;
  const classesOf = (shape: readonly number[]) => shape.at(-1) ?? 0;
  const found = heads.flatMap(({ name }) => entries.get(name) ?? []);
  const ours = classesOf(heads[0]?.shape ?? []);
  const drawn = `that for ${ours} is drawn from the seed`;
  if (found.length === 0) return `the file has no classifier: ${drawn}`;
  const fitting = heads.every(({ name, shape }) => {
    const entry = entries.get(name);
    // Shapes that differ in more than the classes are told as what they are.
    return (
      entry !== undefined &&
      shapeInFile(shapeOf(entry).slice(0, -1)) === shapeInFile(shape.slice(0, -1))
    );
  });
  const classes = found.map((entry) => classesOf(shapeOf(entry)));
  if (!fitting) return null;
  if (classes.every((count) => count === ours)) {
    return isOther ? `its classifier is left out, as its classes are others: ${drawn}` : null;
  }
  return `its classifier for ${classes[0] ?? 0} classes is left out: ${drawn}`;
}

/** The key that an extent of a tensor follows from, by its name and axis. */
const KEYS: readonly (readonly [name: RegExp, axis: number, key: string])[] = [
  [/(^|\.)wpe\.weight$/, 0, 'data.context'],
  [/(^|\.)wte\.weight$/, 0, 'data.tokens and the text'],
  [/(^|\.)wpe\.weight$|(^|\.)wte\.weight$/, 1, 'model.width'],
  [/^patch_embed\.proj\.weight$/, 0, 'model.patch'],
  [/^patch_embed\.proj\.weight$/, 3, 'model.width'],
];

/** Why the shape is another, where it is known. */
function keyOf(shape: readonly number[], { name, shape: wanted }: TensorSpec): string {
  const found = KEYS.filter(
    ([tensor, axis]) => tensor.test(name) && shape[axis] !== wanted[axis],
  ).map(([, , key]) => key);
  return found.length === 0 ? '' : ` by ${found.join(' and ')}`;
}

function list(what: string, names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const more = names.length > TOLD ? `, and ${names.length - TOLD} more` : '';
  return `${names.length} ${what} (${names.slice(0, TOLD).join(', ')}${more})`;
}

function fits(shape: readonly number[], tensor: TensorSpec): boolean {
  if (shapeInFile(shape) === shapeInFile(tensor.shape)) return true;
  return squareGrid(shape, tensor) !== null;
}

/** Side of the grid of position embeddings [1 1+T D] that can be resampled to those of `tensor`; null for others. */
export function squareGrid(
  shape: readonly number[],
  { grid, shape: wanted }: TensorSpec,
): number | null {
  const [one, rows = 0, size] = shape;
  if (grid === undefined || shape.length !== 3 || one !== 1 || size !== wanted[2]) return null;
  const side = Math.sqrt(rows - 1);
  return rows > 1 && Number.isInteger(side) ? side : null;
}
