// One training step and one evaluation step, as pure functions over a program's state.
import { augment, augmentationInputs, plainImages, type ImageFormat } from '../data/augment.js';
import type { AugmentationConfig } from '../catalogue/schema.js';
import type { FunctionSpec, Tensors } from '../graph/program.js';
import { crossEntropy, gatherRows, identity, sparseCrossEntropy } from '../native/kernels.js';
import { adopt, nameScope, rescue, runAfter } from '../native/scope.js';
import {
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '../native/tensorflow.js';
import type { TensorType } from '../native/types.js';
import type { Network } from '../nn/network.js';
import type { Optimizer, Step } from '../optim/optimizer.js';
import { cosine, norm, scaled } from '../optim/vector.js';
import { required } from '../util/errors.js';
import { averageOf, type Slot } from './slot.js';

/** The order of the numbers in a training step's output `measures` [7]. */
export const MEASURES = [
  'loss',
  'correct',
  'originalCorrect',
  'perturbedLoss',
  'perturbedCorrect',
  'gradientNorm',
  'perturbationCosine',
] as const;

/** What one pass over a part of a batch gives. */
interface PassResult {
  readonly gradient: Tensor1D;
  readonly loss: Scalar;
  readonly correct: Scalar;
  /** Against the labels before label noise, where there is some. */
  readonly originalCorrect: Scalar | undefined;
  readonly statistics: Tensor1D;
}

/** A batch, or a part of one. */
interface Batch {
  /** [N H W C] */
  readonly images: Tensor4D;
  /** [N] */
  readonly labels: Tensor1D;
  /** [N], before label noise. */
  readonly originalLabels?: Tensor1D | undefined;
  /** [2], for networks that draw random numbers. */
  readonly seed?: Tensor1D | undefined;
}

const integers = (count: number): TensorType => ({ dtype: 'int32', shape: [count] });
const number: TensorType = { dtype: 'float32', shape: [] };

/** How many rows of logits [N K] have their largest value at the label [N]. */
function countCorrect(logits: Tensor2D, labels: Tensor1D): Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));
}

/** Cross-entropy, mean over the batch, against labels of which a share is spread over all classes. */
function lossOf(logits: Tensor2D, labels: Tensor1D, smoothing: number): Scalar {
  if (smoothing === 0) return tf.mean(sparseCrossEntropy(logits, labels));
  const classes = logits.shape[1];
  const even = smoothing / classes;
  const targets = tf.oneHot(labels, classes, 1 - smoothing + even, even, 'float32') as Tensor2D;
  return tf.mean(crossEntropy(logits, targets));
}

/**
 * Loss and gradient at w [P] of one batch, by tfjs's tape. Running statistics come out; the caller
 * keeps or drops them.
 */
function passAt(
  { network, labelSmoothing }: Pick<StepParts, 'network' | 'labelSmoothing'>,
  w: Tensor1D,
  statistics: Tensor1D,
  { images, labels, originalLabels, seed }: Batch,
): PassResult {
  let rescued: readonly Tensor[] = [];
  const lossAt = (parameters: Tensor): Scalar => {
    const w = parameters as Tensor1D;
    const pass = network.forward(w, statistics, images, 'training', seed);
    rescued = rescue([
      pass.statistics,
      countCorrect(pass.logits, labels),
      ...(originalLabels === undefined ? [] : [countCorrect(pass.logits, originalLabels)]),
    ]);
    return lossOf(pass.logits, labels, labelSmoothing);
  };
  const { value, grad } = tf.valueAndGrad(lossAt)(w);
  adopt(rescued);
  const [updated, correct, originalCorrect] = rescued as [Tensor1D, Scalar, Scalar | undefined];
  return {
    gradient: grad as Tensor1D,
    loss: value,
    correct,
    originalCorrect,
    statistics: updated,
  };
}

export interface StepParts {
  readonly network: Network;
  readonly optimizer: Optimizer;
  /** What the step reads and leaves. */
  readonly slots: readonly Slot[];
  readonly format: ImageFormat;
  readonly augmentation: AugmentationConfig;
  /** Share of the target that is spread evenly over all classes. */
  readonly labelSmoothing: number;
  /** Parts that a batch is cut into. */
  readonly microBatches: number;
  /** Decay of the EMA of the weights; null: none. */
  readonly weightAverage: number | null;
  /** Whether the labels before label noise are there, to count right answers by, too. */
  readonly labelNoise: boolean;
}

/** Training on the images `indices` [batch]; outputs `measures` [7], in the order of MEASURES. */
export function trainingStep(parts: StepParts, batch: number): FunctionSpec {
  const { network, optimizer, slots, format, augmentation, weightAverage, labelNoise } = parts;
  const scalars = Object.keys(optimizer.scalars(0, 0));
  return {
    inputs: {
      indices: integers(batch),
      ...augmentationInputs(augmentation, batch),
      ...(network.drawsRandom ? { seed: integers(2) } : {}),
      ...Object.fromEntries(scalars.map((name) => [name, number])),
    },
    state: [
      ...slots.map(({ name }) => name),
      ...['trainImages', 'trainLabels', ...(labelNoise ? ['trainOriginalLabels'] : [])],
    ],
    body: (state, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      const labelsFrom = (name: string) =>
        gatherRows(at(state, name), indices, 'int32') as Tensor1D;
      const step = trainOn(
        parts,
        {
          images: augment(at(state, 'trainImages'), indices, inputs, format, augmentation),
          labels: labelsFrom('trainLabels'),
          originalLabels: labelNoise ? labelsFrom('trainOriginalLabels') : undefined,
          seed: inputs['seed'] as Tensor1D | undefined,
        },
        state,
        inputs,
      );
      const averages =
        weightAverage === null ? {} : averaged(slots, state, step.state, weightAverage);
      return {
        state: { ...step.state, ...averages },
        outputs: { measures: nameScope('measures', () => measure(step, batch)) },
      };
    },
  };
}

/** new = decay old + (1 - decay) value, for each slot that is an average. */
function averaged(slots: readonly Slot[], old: Tensors, after: Tensors, decay: number): Tensors {
  return nameScope('weight_average', () =>
    Object.fromEntries(
      slots.flatMap(({ name, start }) =>
        typeof start === 'string'
          ? []
          : [
              [
                name,
                tf.add(scaled(at(old, name), decay), scaled(at(after, start.averageOf), 1 - decay)),
              ],
            ],
      ),
    ),
  );
}

/** What a step leaves, and what its passes found. */
interface Trained {
  readonly state: Tensors;
  /** Of the batch at w: the mean over its parts. [P] */
  readonly gradient: Tensor1D;
  readonly chosen: readonly Chosen[];
  /** Images of each part. */
  readonly sizes: readonly number[];
}

type TrainOn = Pick<StepParts, 'network' | 'optimizer' | 'labelSmoothing' | 'microBatches'>;

/**
 * One step of the optimizer on a batch, part by part. BatchNorm normalises every part by itself;
 * running statistics take one part after the other, each as its pass at w leaves them, the one at w
 * + eps leaves none behind. Every pass has random numbers of its own.
 */
export function trainOn(parts: TrainOn, batch: Batch, state: Tensors, scalars: Tensors): Trained {
  const sizes = partSizes(batch.images.shape[0], parts.microBatches);
  let passes = 0;
  let statistics = at(state, 'statistics');
  const step = parts.optimizer.step(
    sizes.map((size, index) => ({
      share: size / batch.images.shape[0],
      gradientAt: (after) => {
        const begin = sizes.slice(0, index).reduce((sum, one) => sum + one, 0);
        const part = sizes.length === 1 ? batch : runAfter(after, () => cut(batch, begin, size));
        const before = statistics;
        let first = true;
        return (w: Tensor1D): PassResult => {
          const name = first ? 'first_pass' : 'second_pass';
          const seed = part.seed && tf.add<Tensor1D>(part.seed, tf.tensor1d([passes, 0], 'int32'));
          const place = first && after.length > 0 ? runAfter(after, () => identity(w)) : w;
          const pass = nameScope(name, () => passAt(parts, place, before, { ...part, seed }));
          if (first) ({ statistics } = pass);
          first = false;
          passes++;
          return pass;
        };
      },
    })),
    at(state, 'parameters'),
    state as Record<string, Tensor1D>,
    scalars as Record<string, Scalar>,
  );
  const { w, state: vectors, gradient, chosen } = step;
  return { state: { parameters: w, statistics, ...vectors }, gradient, chosen, sizes };
}

/** `count` images in `parts` parts, or one each where there are fewer; sizes differ by at most 1. */
function partSizes(count: number, parts: number): number[] {
  const cuts = Math.min(parts, count);
  return Array.from(
    { length: cuts },
    (_, i) => Math.floor(((i + 1) * count) / cuts) - Math.floor((i * count) / cuts),
  );
}

/** Images `begin` to `begin + size` of a batch; all of it is computed in the scope in force. */
function cut({ images, labels, originalLabels, seed }: Batch, begin: number, size: number): Batch {
  return {
    images: tf.slice(images, begin, size),
    labels: tf.slice(labels, begin, size),
    originalLabels: originalLabels && tf.slice(originalLabels, begin, size),
    seed: seed && tf.slice(seed, 0, 2),
  };
}

type Chosen = Step<PassResult>['chosen'][number];

/** Losses, counts and the cosine over the whole batch, of all its parts. */
function measure({ gradient, chosen, sizes }: Trained, batch: number): Tensor1D {
  const shares = sizes.map((size) => size / batch);
  const sum = (value: (part: Chosen) => Scalar | undefined) => total(chosen.map(value));
  const mean = (value: (part: Chosen) => Scalar | undefined) => total(chosen.map(value), shares);
  return tf.stack([
    mean(({ first }) => first.loss),
    sum(({ first }) => first.correct),
    sum(({ first }) => first.originalCorrect),
    mean(({ perturbed }) => perturbed?.pass.loss),
    sum(({ perturbed }) => perturbed?.pass.correct),
    norm(gradient),
    mean(climbCosine),
  ]) as Tensor1D;
}

/** The sum of what there is, weighted; 0 of nothing. */
function total(values: readonly (Scalar | undefined)[], weights?: readonly number[]): Scalar {
  const terms = values.flatMap((value, i) => {
    if (value === undefined) return [];
    const weight = weights?.[i] ?? 1;
    return [weight === 1 ? value : tf.mul<Scalar>(value, tf.scalar(weight))];
  });
  return terms.length === 0 ? tf.scalar(0) : terms.reduce((sum, term) => tf.add<Scalar>(sum, term));
}

function climbCosine({ first, perturbed }: Chosen): Scalar | undefined {
  if (perturbed === undefined) return undefined;
  const climbsTheGradient = perturbed.direction === first.gradient;
  return climbsTheGradient ? tf.scalar(1) : cosine(perturbed.direction, first.gradient);
}

/**
 * Evaluation of the images `indices` [batch] of one set, with the averaged weights where there are
 * some; outputs `measures` [2]: the sum of losses and the correct answers.
 */
export function evaluationStep(
  { network, format, slots }: Pick<StepParts, 'network' | 'format' | 'slots'>,
  split: 'train' | 'validation' | 'test',
  batch: number,
): FunctionSpec {
  const parameters = averageOf(slots, 'parameters') ?? 'parameters';
  const statistics = averageOf(slots, 'statistics') ?? 'statistics';
  return {
    inputs: { indices: integers(batch) },
    state: [parameters, statistics, `${split}Images`, `${split}Labels`],
    body: (state, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      const images = plainImages(at(state, `${split}Images`), indices, format);
      const labels = gatherRows(at(state, `${split}Labels`), indices, 'int32') as Tensor1D;
      const { logits } = network.forward(
        at(state, parameters),
        at(state, statistics),
        images,
        'evaluation',
      );
      const loss = tf.sum<Scalar>(sparseCrossEntropy(logits, labels));
      return { outputs: { measures: tf.stack([loss, countCorrect(logits, labels)]) } };
    },
  };
}

const at = (state: Tensors, name: string): Tensor1D => required(state[name], name) as Tensor1D;
