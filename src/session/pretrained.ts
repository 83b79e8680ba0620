// Weights to begin with, from a file of another program or of a run of ours.
import { isDeepStrictEqual } from 'node:util';
import type { TensorSpec } from '../nn/layout.js';
import { secondNames } from '../nn/pytorch-layout.js';
import { resamplePositions, type Resampling } from '../nn/positions.js';
import { shapeInFile, sizeOf } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { FLOATS, readFloats } from '../util/safetensors-floats.js';
import { readHeader, type Header } from '../util/safetensors.js';
import { tensorsIn, type FileTensor } from './file-tensors.js';
import { match, NETWORK, squareGrid, tensorsOf } from './match-tensors.js';
import { initialState, type Slot, type State } from './slot.js';

export interface Pretrained {
  /** Of the whole file. */
  readonly sha256: string;
  /** What the user is told of how it was taken, a line each. */
  readonly notes: readonly string[];
  /** The whole state before the first step. */
  readonly state: State;
}

/** Of a file's metadata: a list, in JSON, of what its labels or tokens stand for. */
export const LABELS = 'labels';

/** What the labels of the run that begins stand for. */
export interface Labels {
  /** In their order; null: they have no names. */
  readonly names: readonly string[] | null;
  /** Whether they are the tokens of a text, which the network reads, too. */
  readonly areTokens: boolean;
}

/**
 * The state of a run that begins with the weights and running statistics of the file at `path`.
 *
 * A classifier of other classes than the network's, or none, leaves the network's as it was drawn; position
 * embeddings of another square grid are resampled; PyTorch's `num_batches_tracked` are left out, as BatchNorm
 * does not need them. Of a checkpoint with averaged weights these are taken: they are what is evaluated. A file that
 * says what its labels stand for (ours do) has to have the tokens of the run; its classifier of other classes is left
 * out, though it is for as many.
 *
 * @param drawn what the network starts from otherwise
 * Errors: UserError, one line, where the file cannot be read or is damaged, holds numbers that are not finite,
 * or does not fit the network: all that is missing, unexpected, or of another shape or dtype is in it. No memory
 * is taken for what does not fit.
 */
export async function readPretrained(
  path: string,
  network: string,
  slots: readonly Slot[],
  drawn: State,
  resampling: Resampling,
  labels: Labels = { names: null, areTokens: false },
): Promise<Pretrained> {
  const header = await readHeader(path);
  const named = labelsIn(header);
  const unnamed = labels.areTokens ? refuseOtherTokens(path, named, labels.names) : null;
  const isOther =
    named !== null && labels.names !== null && !isDeepStrictEqual(named, labels.names);
  const wanted = tensorsOf(slots);
  const names = new Set(wanted.map(({ tensor }) => tensor.name));
  const { tensors, notes: layout } = tensorsIn(header, names);
  const second = await takeSecondNames(path, names, tensors);
  const { matches, left } = match(path, network, wanted, tensors, second.dtypes, isOther);
  const state = new Map(NETWORK.map((slot) => [slot, Float32Array.from(stateOf(drawn, slot))]));
  const notes: string[] = [];
  const byEntry = new Map(matches.map(({ found }) => [found.entry.name, found]));
  const held = new Map<string, Float32Array>();
  const sha256 = await readFloats(path, ({ name }) => {
    const found = byEntry.get(name);
    if (found === undefined) return null;
    const memory = new Float32Array(sizeOf(found.shape));
    held.set(name, memory);
    return memory;
  });
  for (const { slot, tensor, found } of matches) {
    const { entry, shape, ordered } = found;
    const values = ordered(required(held.get(entry.name), entry.name));
    held.delete(entry.name);
    stateOf(state, slot).set(placed(values, shape, tensor, resampling, notes), tensor.offset);
  }
  return {
    sha256,
    notes: [
      `begins with ${matches.length} of ${wanted.length} tensors of ${path} (sha256 ${sha256.slice(0, 12)})`,
      ...(left === null ? [] : [left]),
      ...(unnamed === null ? [] : [unnamed]),
      ...layout,
      ...second.notes,
      ...notes,
    ],
    state: initialState(slots, {
      parameters: stateOf(state, 'parameters'),
      statistics: stateOf(state, 'statistics'),
    }),
  };
}

const stateOf = (state: ReadonlyMap<string, Float32Array>, slot: string): Float32Array =>
  required(state.get(slot), `the state ${slot}`);

/** What the labels of the file stand for; null where it does not say. */
function labelsIn({ metadata }: Header): readonly string[] | null {
  const text = metadata[LABELS];
  if (text === undefined) return null;
  try {
    const labels: unknown = JSON.parse(text);
    return Array.isArray(labels) ? labels.map(String) : null;
  } catch {
    return null;
  }
}

/** What is told where the file does not say its tokens. Errors: UserError where they are others. */
function refuseOtherTokens(
  path: string,
  named: readonly string[] | null,
  wanted: readonly string[] | null,
): string | null {
  const character = (name: string | undefined): string => name ?? 'none';
  if (named !== null && wanted === null) {
    throw new UserError(
      `${path}: its tokens are ${named.length} characters, wanted bytes; data.tokens=characters reads such`,
    );
  }
  if (wanted === null) return null;
  if (named === null)
    return 'the file does not say its characters: they are taken for those of this text';
  const other = Array.from(
    { length: Math.max(named.length, wanted.length) },
    (_, token) => token,
  ).find((token) => named[token] !== wanted[token]);
  if (other === undefined) return null;
  throw new UserError(
    `${path}: is of a text with other characters: token ${other} is ${character(named[other])} there, ${character(wanted[other])} in this text ` +
      `(${named.length} and ${wanted.length} of them); wanted weights of the same characters, or a run with data.tokens=bytes, whose tokens any text has`,
  );
}

/**
 * Takes second names of the network's tensors out of `found`, and tells so, and which of them are of dtypes that are not
 * read. Errors: UserError where one holds other numbers than the first.
 */
async function takeSecondNames(
  path: string,
  names: ReadonlySet<string>,
  found: Map<string, FileTensor>,
): Promise<{ readonly notes: readonly string[]; readonly dtypes: readonly string[] }> {
  const [notes, dtypes]: [string[], string[]] = [[], []];
  for (const [second, first] of secondNames(names)) {
    const [entry, other] = [found.get(second)?.entry, found.get(first)?.entry];
    if (entry === undefined) continue;
    // With the second alone the first is told as missing.
    if (other === undefined || shapeInFile(entry.shape) !== shapeInFile(other.shape)) continue;
    found.delete(second);
    const isRead = [entry, other].map(({ dtype }) => FLOATS.includes(dtype));
    if (isRead[0] === false) dtypes.push(`${second} ${entry.dtype}`);
    // Told with all others of their kind.
    if (isRead.includes(false)) continue;
    const read = new Map(
      [entry, other].map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]),
    );
    await readFloats(path, ({ name }) => read.get(name) ?? null);
    const [a, b] = [read.get(entry.name), read.get(other.name)];
    if (a?.every((value, i) => value === b?.[i]) !== true) {
      throw new UserError(
        `${path}: ${second} is not ${first}, which the network has in its place; wanted model.tied=false, which has both`,
      );
    }
    notes.push(`its ${second} is ${first} once more`);
  }
  return { notes, dtypes };
}

/** `values` of `shape` as the network has them. */
function placed(
  values: Float32Array,
  shape: readonly number[],
  tensor: TensorSpec,
  resampling: Resampling,
  notes: string[],
): Float32Array {
  const { grid } = tensor;
  const side = shapeInFile(shape) === shapeInFile(tensor.shape) ? null : squareGrid(shape, tensor);
  if (side === null || grid === undefined) return values;
  const [from, to] = [`${side}x${side}`, `${grid.height}x${grid.width}`];
  const how = resampling === 'antialias' ? 'bicubic, antialiased' : 'bicubic';
  notes.push(`its position embeddings for ${from} patches are resampled to ${to} (${how})`);
  return resamplePositions(values, { height: side, width: side }, grid, resampling);
}
