// Weights to begin with, from a file: of torchvision, timm or nanoGPT in PyTorch's layout, or of a run of ours.
import { isDeepStrictEqual } from 'node:util';
import type { TensorSpec } from '../nn/layout.js';
import { fromPytorch, secondNames } from '../nn/pytorch-layout.js';
import { resamplePositions, type Resampling } from '../nn/positions.js';
import { shapeInFile, sizeOf } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { FLOATS, isOurs, readFloats } from '../util/safetensors-floats.js';
import { readHeader, type Header, type TensorEntry } from '../util/safetensors.js';
import { match, NETWORK, squareGrid, type Match } from './match-tensors.js';
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
  const ours = isOurs(header);
  const named = labelsIn(header);
  const unnamed = labels.areTokens ? refuseOtherTokens(path, named, labels.names) : null;
  const isOther =
    named !== null && labels.names !== null && !isDeepStrictEqual(named, labels.names);
  const entries = new Map(ours ? networkEntries(header) : ofPytorch(header));
  const second = ours ? [] : await takeSecondNames(path, slots, entries);
  const { matches, left } = match(path, network, slots, entries, !ours, isOther);
  const state = new Map(NETWORK.map((slot) => [slot, Float32Array.from(stateOf(drawn, slot))]));
  const notes: string[] = [];
  const byEntry = new Map(matches.map((one) => [one.entry.name, one]));
  const held = new Map<string, Float32Array>();
  const sha256 = await readFloats(path, ({ name }) => {
    const found = byEntry.get(name);
    if (found === undefined) return null;
    const memory = new Float32Array(sizeOf(found.shape));
    held.set(name, memory);
    return memory;
  });
  for (const { slot, tensor, entry, shape } of matches) {
    const values = required(held.get(entry.name), entry.name);
    held.delete(entry.name);
    const inOurs = ours ? values : fromPytorch(values, entry);
    stateOf(state, slot).set(placed(inOurs, shape, tensor, resampling, notes), tensor.offset);
  }
  const all = slots.filter(({ name }) => NETWORK.includes(name as Match['slot']));
  const count = all.reduce((sum, { tensors }) => sum + tensors.length, 0);
  return {
    sha256,
    notes: [
      `begins with ${matches.length} of ${count} tensors of ${path} (sha256 ${sha256.slice(0, 12)})`,
      ...(left === null ? [] : [left]),
      ...(unnamed === null ? [] : [unnamed]),
      ...second,
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

/** Of a file in PyTorch's layout, by the names of the network's tensors. */
const ofPytorch = ({ tensors }: Header): ReadonlyMap<string, TensorEntry> =>
  new Map(
    tensors
      .filter(({ name }) => !name.endsWith('.num_batches_tracked'))
      .map((entry) => [entry.name, entry]),
  );

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
 * Takes second names of the network's tensors out of `entries`, and tells so. Errors: UserError where one holds other
 * numbers than the first.
 */
async function takeSecondNames(
  path: string,
  slots: readonly Slot[],
  entries: Map<string, TensorEntry>,
): Promise<readonly string[]> {
  const ours = slots.find(({ name }) => name === 'parameters')?.tensors ?? [];
  const pairs = secondNames(new Set(ours.map(({ name }) => name)));
  const notes: string[] = [];
  for (const [second, first] of pairs) {
    const [entry, other] = [entries.get(second), entries.get(first)];
    if (entry === undefined) continue;
    // With the second alone the first is told as missing.
    if (other === undefined || shapeInFile(entry.shape) !== shapeInFile(other.shape)) continue;
    // Told with all others of their kind.
    if (![entry, other].every(({ dtype }) => FLOATS.includes(dtype))) {
      entries.delete(second);
      continue;
    }
    const read = new Map(
      [entry, other].map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]),
    );
    await readFloats(path, ({ name }) => read.get(name) ?? null);
    const [a, b] = [read.get(second), read.get(first)];
    if (a?.every((value, i) => value === b?.[i]) !== true) {
      throw new UserError(
        `${path}: ${second} is not ${first}, which the network has in its place; wanted model.tied=false, which has both`,
      );
    }
    entries.delete(second);
    notes.push(`its ${second} is ${first} once more`);
  }
  return notes;
}

/**
 * What a checkpoint or exported weights of ours have of the network, by the names of its tensors: the moving
 * average where there is one, which is what is evaluated.
 */
export function networkEntries({ tensors }: Header): ReadonlyMap<string, TensorEntry> {
  const found = new Map<string, TensorEntry>();
  const averages = new Map<string, TensorEntry>();
  for (const entry of tensors) {
    const [, name] = /^average\.(.*)$/.exec(entry.name) ?? [];
    if (name !== undefined) averages.set(name, entry);
    else if (!entry.name.startsWith('optimizer.')) found.set(entry.name, entry);
  }
  return new Map([...found, ...averages]);
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
