// Wrong training labels, on purpose: how much a training method memorises shows in them.
//
// The symmetric inclusive and the asymmetric kind of CIFAR-10 are those of the F-SAM authors' code:
// int(rate n) training images are drawn. Symmetric noise gives each a label drawn from all classes;
// it may be the true one (inclusive, so that about rate (1 - 1/K) of all labels are wrong) or may
// not (exclusive). Asymmetric noise gives each the class that its own is easily mistaken for.
import type { Config, DataConfig, LabelNoiseConfig } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import { randomStream, type RandomStream } from '../util/random.js';
import { CIFAR100_SUPERCLASSES } from './cifar100-superclasses.js';
import {
  ofImages,
  type Dataset,
  type ImageDataset,
  type Images,
  type ImageSet,
} from './dataset.js';
import { readNoisyLabels } from './label-noise-file.js';

export const hasLabelNoise = ({ rate, file }: LabelNoiseConfig): boolean =>
  rate > 0 || file !== null;

/** truck -> automobile, bird -> airplane, deer -> horse, cat -> dog, dog -> cat; others stay. */
const CIFAR10_MISTAKES: Readonly<Record<number, number>> = { 9: 1, 2: 0, 4: 7, 3: 5, 5: 3 };

/** Our own definition: the next class of the same superclass, after its last one the first. */
const CIFAR100_MISTAKES: Readonly<Record<number, number>> = Object.fromEntries(
  CIFAR100_SUPERCLASSES.flatMap((members) =>
    members.map((label, i) => [label, members[(i + 1) % members.length] ?? label]),
  ),
);

/** The class that each is mistaken for; a class that is not there stays as it is. */
const MISTAKES: Partial<Record<DataConfig['name'], Readonly<Record<number, number>>>> = {
  cifar10: CIFAR10_MISTAKES,
  cifar100: CIFAR100_MISTAKES,
};

/**
 * The data set with the training labels that the configuration asks for, the original ones beside
 * them; the set itself where it asks for no noise. Noise is drawn for the images that are trained
 * on, after the subset is chosen. Test labels are never touched.
 *
 * Errors: UserError where the set has no asymmetric noise, or the file of labels does not fit.
 */
export async function withLabelNoise<I extends Images>(
  dataset: ImageDataset<I>,
  config: Config,
): Promise<ImageDataset<I>>;
export async function withLabelNoise(dataset: Dataset, config: Config): Promise<Dataset>;
export async function withLabelNoise(dataset: Dataset, config: Config): Promise<Dataset> {
  const { labelNoise, data, seed } = config;
  if (!hasLabelNoise(labelNoise)) return dataset;
  return withNoisyLabels(ofImages(dataset), { labelNoise, data, seed });
}

async function withNoisyLabels(
  dataset: ImageDataset,
  { labelNoise, data, seed }: Pick<Config, 'labelNoise' | 'data' | 'seed'>,
): Promise<ImageDataset> {
  const original = dataset.train.labels;
  const labels =
    labelNoise.file === null
      ? drawLabels(original, dataset.classes, labelNoise, data.name, labelNoise.seed ?? seed)
      : await readNoisyLabels(labelNoise.file, original, dataset.classes);
  return { ...dataset, train: { ...dataset.train, labels, originalLabels: original } };
}

/** Noisy labels [N] of `original` [N]. Which images are drawn depends on rate and seed alone. */
export function drawLabels(
  original: Int32Array,
  classes: number,
  { rate, kind, exclusive }: Pick<LabelNoiseConfig, 'rate' | 'kind' | 'exclusive'>,
  set: DataConfig['name'],
  seed: number,
): Int32Array {
  const stream = randomStream(seed, 'label-noise');
  const drawn = stream.permutation(original.length).subarray(0, Math.floor(rate * original.length));
  const change = changeOf(kind, exclusive, classes, set, stream);
  const labels = original.slice();
  for (const index of drawn) labels[index] = change(original[index] ?? 0);
  return labels;
}

function changeOf(
  kind: LabelNoiseConfig['kind'],
  exclusive: boolean,
  classes: number,
  set: DataConfig['name'],
  stream: RandomStream,
): (label: number) => number {
  switch (kind) {
    case 'symmetric':
      return exclusive
        ? (label) => (label + 1 + stream.integer(classes - 1)) % classes
        : () => stream.integer(classes);
    case 'asymmetric': {
      const mistakes = MISTAKES[set];
      if (mistakes === undefined) {
        throw new UserError(
          `labelNoise.kind: got asymmetric for ${set}, wanted cifar10 or cifar100, whose easily mistaken classes are ` +
            'known; take symmetric, or give the labels with labelNoise.file',
        );
      }
      return (label) => mistakes[label] ?? label;
    }
    default:
      return kind satisfies never;
  }
}

/** How many labels are not the original ones, and what share of all that is. */
export function realisedNoise({
  labels,
  originalLabels = labels,
}: Pick<ImageSet, 'labels' | 'originalLabels'>): { changed: number; rate: number } {
  const changed = labels.reduce((sum, label, i) => sum + Number(label !== originalLabels[i]), 0);
  return { changed, rate: changed / labels.length };
}

/** `symmetric 0.4 inclusive, seed 1`: what was asked for, in words. */
export function describeNoise({ labelNoise, seed }: Config): string {
  const { rate, kind, exclusive, file } = labelNoise;
  if (file !== null) return `from ${file}`;
  const draws = kind === 'asymmetric' ? '' : exclusive ? ' exclusive' : ' inclusive';
  return `${kind} ${rate}${draws}, seed ${labelNoise.seed ?? seed}`;
}
