// What a file of weights has of a network: of torchvision, timm, nanoGPT or Hugging Face's GPT-2, or of a run of ours.
import { fromPytorch, shapeFromPytorch } from '../nn/pytorch-layout.js';
import { isOurs } from '../util/safetensors-floats.js';
import type { Header, TensorEntry } from '../util/safetensors.js';

/** A tensor of a file. */
export interface FileTensor {
  /** As the file has it. */
  readonly entry: TensorEntry;
  /** In our order of axes. */
  readonly shape: readonly number[];
  /** Its numbers, row by row in the order of the file, in ours. */
  readonly ordered: (values: Float32Array) => Float32Array;
}

export interface FileTensors {
  /** By the names of the network's tensors, as far as it has them. */
  readonly tensors: Map<string, FileTensor>;
  /** What the user is told of how they are taken, a line each. */
  readonly notes: readonly string[];
}

/** @param names of the network's tensors */
export function tensorsIn(header: Header, names: ReadonlySet<string>): FileTensors {
  if (!isOurs(header)) return ofPytorch(header, names);
  const tensors = [...networkEntries(header)].map(
    ([name, entry]) => [name, asOurs(entry)] as const,
  );
  return { tensors: new Map(tensors), notes: [] };
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

const asOurs = (entry: TensorEntry): FileTensor => ({
  entry,
  shape: entry.shape,
  ordered: (values) => values,
});

function asPytorch(name: string, entry: TensorEntry): FileTensor {
  const named = { name, shape: entry.shape };
  return {
    entry,
    shape: shapeFromPytorch(named),
    ordered: (values) => fromPytorch(values, named),
  };
}

/** What no network needs to have: BatchNorm's counts, and the masks of Hugging Face's causal attention. */
const BUFFER = /\.num_batches_tracked$|\.attn\.(?:masked_)?bias$/;

/** What nanoGPT's names begin with, and those of Hugging Face's GPT-2 without its last layer do not. */
const PREFIX = 'transformer.';
const TABLE = 'wte.weight';

/** The matrices that are layers of kind Conv1D in Hugging Face's GPT-2: [in out], as ours. */
const CONV1D = /(?:^|\.)h\.\d+\.(?:attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight$/;

function ofPytorch(header: Header, names: ReadonlySet<string>): FileTensors {
  const inFile = header.tensors.filter(({ name }) => names.has(name) || !BUFFER.test(name));
  const lacks =
    names.has(PREFIX + TABLE) &&
    inFile.some(({ name }) => name === TABLE) &&
    !inFile.some(({ name }) => name.startsWith(PREFIX));
  const isConv1d = names.has(PREFIX + TABLE) && inFile.some(isThreeTimesAsWide);
  const tensors = inFile.map((entry) => {
    const name = lacks && !names.has(entry.name) ? PREFIX + entry.name : entry.name;
    const isAsOurs = isConv1d && CONV1D.test(name);
    return [name, isAsOurs ? asOurs(entry) : asPytorch(name, entry)] as const;
  });
  return {
    tensors: new Map(tensors),
    notes: [
      ...(lacks ? [`its names are taken as those after ${PREFIX}`] : []),
      ...(isConv1d
        ? ["its matrices are [in out], as those of Hugging Face's GPT-2, and are taken so"]
        : []),
    ],
  };
}

/** Query, key and value of as many numbers as go in: whichever axis is the longer one is what comes out. */
const isThreeTimesAsWide = ({ name, shape: [first = 0, second] }: TensorEntry): boolean =>
  /(?:^|\.)attn\.c_attn\.weight$/.test(name) && first > 0 && second === 3 * first;
