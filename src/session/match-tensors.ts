// Whether what a file of weights holds fits a network, tensor by tensor.
import type { TensorSpec } from '../nn/layout.js';
import { shapeInFile } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { FLOATS } from '../util/safetensors-floats.js';
import type { FileTensor } from './file-tensors.js';
import { commonPrefix, keysOf, toldOf } from './mismatches.js';
import type { Slot } from './slot.js';

/** A tensor of the network's and what the file has for it. */
interface Match {
  readonly slot: 'parameters' | 'statistics';
  readonly tensor: TensorSpec;
  readonly found: FileTensor;
}

/** The slots that such a file fills. */
export const NETWORK = ['parameters', 'statistics'] as const;

/** What the network has, in its order. */
export const tensorsOf = (slots: readonly Slot[]) =>
  NETWORK.flatMap((slot) =>
    required(
      slots.find(({ name }) => name === slot),
      slot,
    ).tensors.map((tensor) => ({ slot, tensor })),
  );

/**
 * Errors: UserError that tells all mismatches.
 *
 * @param others second names of dtypes that are not read
 */
export function match(
  path: string,
  network: string,
  wanted: ReturnType<typeof tensorsOf>,
  inFile: ReadonlyMap<string, FileTensor>,
  others: readonly string[],
  isOther: boolean,
): { readonly matches: readonly Match[]; readonly left: string | null } {
  const tensors = wanted.map(({ tensor }) => tensor);
  const heads = tensors.filter(({ isHead }) => isHead === true);
  const left = classifierLeft(heads, inFile, isOther);
  const [missing, shapes, dtypes]: [string[], string[], string[]] = [[], [], []];
  const matches: Match[] = [];
  for (const { slot, tensor } of wanted) {
    const found = inFile.get(tensor.name);
    if (left !== null && tensor.isHead === true) continue;
    if (found === undefined) {
      missing.push(tensor.name);
      continue;
    }
    const { entry, shape } = found;
    if (!FLOATS.includes(entry.dtype)) dtypes.push(`${tensor.name} ${entry.dtype}`);
    if (fits(shape, tensor)) matches.push({ slot, tensor, found });
    else shapes.push(`${tensor.name} ${shapeInFile(shape)}, wanted ${shapeInFile(tensor.shape)}`);
  }
  const names = new Set(tensors.map(({ name }) => name));
  const unexpected = [...inFile.keys()].filter((name) => !names.has(name));
  const told = toldOf({ missing, unexpected, shapes, dtypes: [...dtypes, ...others] });
  if (told.length === 0) return { matches, left };
  const prefix = commonPrefix([...names], inFile);
  const keys = keysOf(tensors, inFile);
  const hints = [
    ...told,
    ...(keys.length === 0 ? [] : [`it is of a network with ${keys.join(', ')}`]),
    ...(prefix === null
      ? []
      : [`its names begin with ${prefix}, wanted a file that has them without it`]),
  ];
  throw new UserError(`${path}: does not fit ${network}: ${hints.join('; ')}`);
}

/** What is told of a classifier that is not taken; null where it is, or the network has none of its own. */
function classifierLeft(
  heads: readonly TensorSpec[],
  inFile: ReadonlyMap<string, FileTensor>,
  isOther: boolean,
): string | null {
  if (heads.length === 0) return null;
  const classesOf = (shape: readonly number[]) => shape.at(-1) ?? 0;
  const found = heads.flatMap(({ name }) => inFile.get(name) ?? []);
  const ours = classesOf(heads[0]?.shape ?? []);
  const drawn = `that for ${ours} is drawn from the seed`;
  if (found.length === 0) return `the file has no classifier: ${drawn}`;
  const fitting = heads.every(({ name, shape }) => {
    const one = inFile.get(name);
    // Shapes that differ in more than the classes are told as what they are.
    return (
      one !== undefined && shapeInFile(one.shape.slice(0, -1)) === shapeInFile(shape.slice(0, -1))
    );
  });
  const classes = found.map((one) => classesOf(one.shape));
  if (!fitting) return null;
  if (classes.every((count) => count === ours)) {
    return isOther ? `its classifier is left out, as its classes are others: ${drawn}` : null;
  }
  return `its classifier for ${classes[0] ?? 0} classes is left out: ${drawn}`;
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
