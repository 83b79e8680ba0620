// Learning to tell classes of images apart: cross-entropy, and the share of right answers.
import type { Config } from '../catalogue/schema.js';
import { augment, augmentationInputs, drawAugmentation, plainImages } from '../data/augment.js';
import type { DatasetShape, Split } from '../data/dataset.js';
import { crossEntropy, sparseCrossEntropy } from '../native/kernels.js';
import { ofRank } from '../native/rank.js';
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '../native/tensorflow.js';
import { cosine, norm } from '../optim/vector.js';
import {
  meanOf,
  sumOf,
  type EvaluationMeasure,
  type Measure,
  type Part,
  type TrainingMeasure,
} from '../session/measure.js';
import type { Targets } from '../session/batch.js';
import type { Task } from '../session/task.js';
import { required } from '../util/errors.js';
import { randomStream } from '../util/random.js';

/** What of a run decides which measures apply. */
export interface RunTraits {
  /** Whether a step has a second pass, at w + eps. */
  readonly twoPasses: boolean;
  readonly labelNoise: boolean;
  readonly validation: boolean;
}

/** Counts of a pass, by what is counted. */
const [CORRECT, ORIGINAL] = ['correct', 'originalCorrect'];

const counted = (name: string) => (part: Part) => required(part.first.counted[name], name);

const perturbed = ({ perturbed: climbed }: Part) => required(climbed, 'the pass at w + eps');

/** Of the climb direction and the gradient at w; 1 where that is the direction. */
function climbCosine(part: Part): Scalar {
  const { direction } = perturbed(part);
  const { gradient } = part.first;
  return direction === gradient ? tf.scalar(1) : cosine(direction, gradient);
}

const always = () => true;

type Applying<M> = M & { readonly applies: (run: RunTraits) => boolean };

/** Every measure, in the order of the columns; those that do not apply to a run leave theirs empty. */
const MEASURES: readonly Applying<Measure>[] = [
  training({
    column: 'train_loss',
    name: 'training loss',
    tag: 'train/loss',
    unit: 'number',
    weight: 'mean',
    running: 'loss',
    console: true,
    of: ({ parts }) => meanOf(parts, ({ first }) => first.loss),
  }),
  // Against the labels trained on.
  training({
    column: 'train_accuracy',
    name: 'training accuracy',
    tag: 'train/accuracy',
    unit: 'percent',
    weight: 'sum',
    running: 'accuracy',
    console: true,
    of: ({ parts }) => sumOf(parts, counted(CORRECT)),
  }),
  // Against the labels before label noise.
  training({
    column: 'train_accuracy_clean',
    name: 'training accuracy against the clean labels',
    tag: 'train/accuracy_clean',
    unit: 'percent',
    weight: 'sum',
    applies: ({ labelNoise }) => labelNoise,
    of: ({ parts }) => sumOf(parts, counted(ORIGINAL)),
  }),
  training({
    column: 'perturbed_loss',
    name: 'perturbed loss',
    tag: 'perturbed/loss',
    unit: 'number',
    weight: 'mean',
    console: true,
    applies: ({ twoPasses }) => twoPasses,
    of: ({ parts }) => meanOf(parts, (part) => perturbed(part).pass.loss),
  }),
  training({
    column: 'perturbed_accuracy',
    name: 'perturbed accuracy',
    tag: 'perturbed/accuracy',
    unit: 'percent',
    weight: 'sum',
    console: true,
    applies: ({ twoPasses }) => twoPasses,
    of: ({ parts }) =>
      sumOf(parts, (part) => required(perturbed(part).pass.counted[CORRECT], CORRECT)),
  }),
  ...evaluation('validation', ({ validation }) => validation),
  ...evaluation('test', always),
  // The L2 norm of the gradient at w.
  training({
    column: 'gradient_norm',
    name: 'gradient norm',
    tag: 'train/gradient_norm',
    unit: 'number',
    weight: 'step',
    of: ({ gradient }) => norm(gradient),
  }),
  training({
    column: 'perturbation_cosine',
    name: 'perturbation cosine',
    tag: 'perturbed/cosine',
    unit: 'number',
    weight: 'step',
    applies: ({ twoPasses }) => twoPasses,
    of: ({ parts }) => meanOf(parts, climbCosine),
  }),
];

function training({
  applies = always,
  console = false,
  ...row
}: Omit<TrainingMeasure, 'console'> & {
  readonly console?: boolean;
  readonly applies?: (run: RunTraits) => boolean;
}): Applying<TrainingMeasure> {
  return { ...row, console, applies };
}

/** What an evaluation of a set measures. */
function evaluation(
  split: Split,
  applies: (run: RunTraits) => boolean,
): Applying<EvaluationMeasure>[] {
  const common = { split, weight: 'sum', console: true, applies } as const;
  return [
    {
      ...common,
      column: `${split}_loss`,
      name: `${split} loss`,
      tag: `${split}/loss`,
      unit: 'number',
      of: (output, targets) =>
        tf.sum<Scalar>(sparseCrossEntropy(logitsOf(output), labelsOf(targets))),
    },
    {
      ...common,
      column: `${split}_accuracy`,
      name: `${split} accuracy`,
      tag: `${split}/accuracy`,
      unit: 'percent',
      of: (output, targets) => countCorrect(logitsOf(output), labelsOf(targets)),
    },
  ];
}

/** What makes an epoch the best: of the validation set, or of the test set where there is none. */
export const BEST: { readonly name: 'accuracy'; readonly is: 'highest' | 'lowest' } = {
  name: 'accuracy',
  is: 'highest',
};

/**
 * The measures that have a column in runs with or without a validation set, and the columns that may
 * be empty there: those of what does not apply to each of them.
 */
export function columnsOf({ validation }: Pick<RunTraits, 'validation'>): {
  readonly measures: readonly Measure[];
  readonly mayBeEmpty: readonly string[];
} {
  const all = { validation, twoPasses: true, labelNoise: true };
  const least = { validation, twoPasses: false, labelNoise: false };
  return {
    measures: MEASURES.filter(({ applies }) => applies(all)),
    mayBeEmpty: MEASURES.flatMap(({ applies, column }) =>
      applies(all) && !applies(least) ? [column] : [],
    ),
  };
}

/** [B K] */
const logitsOf = (output: Tensor): Tensor2D => ofRank(output, 2, 'the output of the network');

/** [B] */
const labelsOf = ({ labels }: Targets): Tensor1D => vectorOf(labels, 'labels');

const vectorOf = (tensor: Tensor | undefined, name: string): Tensor1D =>
  ofRank(required(tensor, name), 1, name);

/** How many rows of logits [B K] have their largest value at the label [B]. */
const countCorrect = (logits: Tensor2D, labels: Tensor1D): Scalar =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));

/** Cross-entropy, mean over the batch, against labels of which a share is spread over all classes. */
function lossOf(logits: Tensor2D, labels: Tensor1D, smoothing: number): Scalar {
  if (smoothing === 0) return tf.mean(sparseCrossEntropy(logits, labels));
  const classes = logits.shape[1];
  const even = smoothing / classes;
  const targets = tf.oneHot(labels, classes, 1 - smoothing + even, even, 'float32') as Tensor2D;
  return tf.mean(crossEntropy(logits, targets));
}

export function classification(
  { augmentation, labelSmoothing, seed }: Pick<Config, 'augmentation' | 'labelSmoothing' | 'seed'>,
  shape: DatasetShape,
  run: RunTraits,
): Task {
  return {
    drawn: (size) => augmentationInputs(augmentation, size),
    draw: (step, size) =>
      drawAugmentation(randomStream(seed, 'augmentation', step), size, shape, augmentation),
    augmented: ({ images, labels, originalLabels }, draws) => ({
      input: augment(required(images, 'images'), draws, shape, augmentation),
      targets: {
        labels: required(labels, 'labels'),
        ...(originalLabels && { originalLabels }),
      },
    }),
    plain: ({ images, labels }) => ({
      input: plainImages(required(images, 'images'), shape),
      targets: { labels: required(labels, 'labels') },
    }),
    loss: (output, targets) => lossOf(logitsOf(output), labelsOf(targets), labelSmoothing),
    count: (output, targets) => {
      const logits = logitsOf(output);
      const { originalLabels } = targets;
      return {
        [CORRECT]: countCorrect(logits, labelsOf(targets)),
        ...(originalLabels && {
          [ORIGINAL]: countCorrect(logits, vectorOf(originalLabels, 'originalLabels')),
        }),
      };
    },
    measures: MEASURES.filter(({ applies }) => applies(run)),
    evaluated: (split) => evaluation(split, always),
  };
}
