// Learning to tell classes of images apart: cross-entropy, and the share of right answers.
import { isAugmentedAsAsked } from '../catalogue/data-sets.js';
import { taskOf } from '../catalogue/task.js';
import type { TASKS } from '../catalogue/tasks.js';
import { augment, augmentationInputs, drawAugmentation, plainImages } from '../data/augment.js';
import { ofImages } from '../data/dataset.js';
import { enlarged, resizeOf } from '../data/resize.js';
import { sparseCrossEntropy } from '../native/kernels.js';
import { oneHot } from '../native/one-hot.js';
import { ofRank } from '../native/rank.js';
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '../native/tensorflow.js';
import type { Targets } from '../session/batch.js';
import { sumOf, type Part } from '../session/measure.js';
import type { CreateTask } from '../session/task.js';
import { required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import { lossOf } from './cross-entropy.js';
import { LOSSES, measuresOf, perturbed, STEPS, type Traced } from './measures.js';

/** Counts of a pass, by what is counted. */
const [CORRECT, ORIGINAL] = ['correct', 'originalCorrect'];

const counted = (name: string) => (part: Part) => required(part.first.counted[name], name);

const TRACED: Traced<typeof TASKS.classification> = {
  training: {
    ...LOSSES,
    train_accuracy: { weight: 'sum', of: ({ parts }) => sumOf(parts, counted(CORRECT)) },
    train_accuracy_clean: { weight: 'sum', of: ({ parts }) => sumOf(parts, counted(ORIGINAL)) },
    perturbed_accuracy: {
      weight: 'sum',
      of: ({ parts }) =>
        sumOf(parts, (part) => required(perturbed(part).pass.counted[CORRECT], CORRECT)),
    },
  },
  steps: STEPS,
  evaluation: {
    loss: (output, targets) =>
      tf.sum<Scalar>(sparseCrossEntropy(logitsOf(output), labelsOf(targets))),
    accuracy: (output, targets) => countCorrect(logitsOf(output), labelsOf(targets)),
    top5_accuracy: (output, targets) => countAmong(5, logitsOf(output), labelsOf(targets)),
  },
};

/** [B K] */
const logitsOf = (output: Tensor): Tensor2D => ofRank(output, 2, 'the output of the network');

/** [B] */
const labelsOf = ({ labels }: Targets): Tensor1D => vectorOf(labels, 'labels');

const vectorOf = (tensor: Tensor | undefined, name: string): Tensor1D =>
  ofRank(required(tensor, name), 1, name);

/** How many rows of logits [B K] have their largest value at the label [B]. */
const countCorrect = (logits: Tensor2D, labels: Tensor1D): Scalar =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));

/**
 * How many rows of logits [B K] have the label [B] among their `most` largest values: fewer than
 * that are greater than its own. So ties count for the label, as in TensorFlow's in_top_k, and a row
 * with NaN does not count.
 */
function countAmong(most: number, logits: Tensor2D, labels: Tensor1D): Scalar {
  const classes = logits.shape[1];
  const own = tf.sum(tf.mul(logits, oneHot(labels, classes)), 1, true);
  const notGreater = tf.sum(tf.cast(tf.lessEqual(logits, own), 'float32'), 1);
  const isAmong = tf.greater(notGreater, Math.max(classes - most, 0));
  return tf.sum(tf.cast(isAmong, 'float32'));
}

/** Images that come augmented are only normalised. */
const NO_AUGMENTATION = { flip: false, cropPadding: 0, cutout: 0, cutoutProbability: 0 };

export const classification: CreateTask = ({ labelSmoothing, seed, ...config }, of, run) => {
  const shape = ofImages(of);
  const augmentation = isAugmentedAsAsked(config.data.name) ? config.augmentation : NO_AUGMENTATION;
  const side = resizeOf(config.data);
  return {
    drawn: (size) => augmentationInputs(augmentation, size),
    draw: (step, size) =>
      drawAugmentation(randomStream(seed, 'augmentation', step), size, shape, augmentation),
    augmented: ({ images, labels, originalLabels }, draws) => ({
      input: enlarged(augment(required(images, 'images'), draws, shape, augmentation), side),
      targets: {
        labels: required(labels, 'labels'),
        ...(originalLabels && { originalLabels }),
      },
    }),
    plain: ({ images, labels }) => ({
      input: enlarged(plainImages(required(images, 'images'), shape), side),
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
    ...measuresOf(taskOf(config), TRACED, run),
  };
};
