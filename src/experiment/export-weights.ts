// The weights and running statistics of a checkpoint in a file of their own, for other programs.
import { secondNames, shapeToPytorch, toPytorch } from '../nn/pytorch-layout.js';
import { shapeInFile, sizeOf } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { BY_EXPORT, isOurs, readFloats } from '../util/safetensors-floats.js';
import { readHeader, writeSafetensors } from '../util/safetensors.js';
import { networkEntries } from '../session/file-tensors.js';
import { LABELS } from '../session/pretrained.js';

/** `pytorch`: PyTorch's order of axes, under the names that ours have, too; `fsam`: as in a checkpoint. */
export type Names = 'pytorch' | 'fsam';

/** Readers of PyTorch's files look for `pt`. */
const FORMATS: Readonly<Record<Names, string>> = { pytorch: 'pt', fsam: 'fsam weights' };

interface Exported {
  readonly tensors: number;
  readonly numbers: number;
  /** Whether they are a moving average: what the run evaluates, where it has one. */
  readonly averaged: boolean;
}

/**
 * Writes what the network has of `checkpoint` to `to`, whole or not at all; under PyTorch's names a tensor of two
 * layers twice, as nanoGPT's table of tokens.
 *
 * @param like a checkpoint of the run that it is said to be of; null: there is no other
 * Errors: UserError where the checkpoint cannot be read, is damaged, none, or of another network than `like`, or the
 * file cannot be written.
 */
export async function exportWeights(
  checkpoint: string,
  to: string,
  names: Names,
  like: string | null = null,
): Promise<Exported> {
  const header = await readHeader(checkpoint);
  if (!isOurs(header)) {
    throw new UserError(`${checkpoint}: is a safetensors file, but no checkpoint of fsam`);
  }
  const entries = networkEntries(header);
  if (like !== null)
    refuseOtherNetwork(checkpoint, entries, like, networkEntries(await readHeader(like)));
  const memory = new Map(
    [...entries.values()].map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]),
  );
  await readFloats(checkpoint, ({ name }) => memory.get(name) ?? null);
  const tensors = [...entries].map(([name, { name: inFile, shape }]) => {
    const data = required(memory.get(inFile), inFile);
    if (names === 'fsam') return { name, shape, data };
    const ours = { name, shape };
    return { name, shape: shapeToPytorch(ours), data: toPytorch(data, ours) };
  });
  const shared = names === 'fsam' ? [] : secondNames(new Set(entries.keys()));
  const twice = shared.map(([second, first]) => ({
    ...required(
      tensors.find(({ name }) => name === first),
      first,
    ),
    name: second,
  }));
  const labels = header.metadata[LABELS];
  await writeSafetensors(to, [...tensors, ...twice], {
    ...{ format: FORMATS[names], by: BY_EXPORT },
    ...(labels !== undefined && { [LABELS]: labels }),
  });
  return {
    tensors: tensors.length,
    numbers: tensors.reduce((sum, { data }) => sum + data.length, 0),
    averaged: [...entries].some(([name, entry]) => name !== entry.name),
  };
}

/** Errors: UserError where names or shapes differ. */
function refuseOtherNetwork(
  checkpoint: string,
  entries: ReturnType<typeof networkEntries>,
  like: string,
  wanted: typeof entries,
): void {
  const shapeIn = (all: typeof entries, name: string): string => {
    const entry = all.get(name);
    return entry === undefined ? 'missing' : shapeInFile(entry.shape);
  };
  const other = [...wanted.keys(), ...entries.keys()].find(
    (name) => shapeIn(entries, name) !== shapeIn(wanted, name),
  );
  if (other === undefined) return;
  throw new UserError(
    `--checkpoint ${checkpoint}: is of another network than the run: ${other}: got ${shapeIn(entries, other)}, wanted ${shapeIn(wanted, other)} as in ${like}`,
  );
}

/** Whether `exportWeights` wrote the file. */
export async function isExported(path: string): Promise<boolean> {
  try {
    const { metadata } = await readHeader(path);
    return metadata['by'] === BY_EXPORT;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
