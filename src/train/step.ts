// One training step and one evaluation step, as pure functions over a program's state.
import { augment, augmentationInputs, plainImages, type ImageFormat } from '../data/augment.js';
import type { AugmentationConfig } from '../config/schema.js';
import type { FunctionSpec, Tensors } from '../graph/program.js';
import { gatherRows, sparseCrossEntropy } from '../native/kernels.js';
import { adopt, nameScope, rescue } from '../native/scope.js';
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
import type { Optimizer } from '../optim/optimizer.js';
import { cosine, norm } from '../optim/vector.js';
import { required } from '../util/errors.js';

/** The order of the numbers in a training step's output `measures` [6]. */
export const MEASURES = [
  'loss',
  'correct',
  'perturbedLoss',
  'perturbedCorrect',
  'gradientNorm',
  'perturbationCosine',
] as const;

/** What one pass over a batch gives. */
interface PassResult {
  readonly gradient: Tensor1D;
  readonly loss: Scalar;
  readonly correct: Scalar;
  readonly statistics: Tensor1D;
}

const integers = (count: number): TensorType => ({ dtype: 'int32', shape: [count] });
const number: TensorType = { dtype: 'float32', shape: [] };

/** How many rows of logits [N K] have their largest value at the label [N]. */
function countCorrect(logits: Tensor2D, labels: Tensor1D): Scalar {
  return tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32'));
}

/**
 * Loss and gradient at w [P] of one batch, by tfjs's tape. Running statistics come out; the caller
 * keeps or drops them.
 */
function passAt(
  network: Network,
  w: Tensor1D,
  statistics: Tensor1D,
  images: Tensor4D,
  labels: Tensor1D,
): PassResult {
  let rescued: readonly Tensor[] = [];
  const lossAt = (parameters: Tensor): Scalar => {
    const pass = network.forward(parameters as Tensor1D, statistics, images, 'training');
    rescued = rescue([countCorrect(pass.logits, labels), pass.statistics]);
    return tf.mean(sparseCrossEntropy(pass.logits, labels));
  };
  const { value, grad } = tf.valueAndGrad(lossAt)(w);
  adopt(rescued);
  const [correct, updated] = rescued as [Scalar, Tensor1D];
  return { gradient: grad as Tensor1D, loss: value, correct, statistics: updated };
}

export interface StepParts {
  readonly network: Network;
  readonly optimizer: Optimizer;
  readonly format: ImageFormat;
  readonly augmentation: AugmentationConfig;
}

/** Training on the images `indices` [batch]; outputs `measures` [6], in the order of MEASURES. */
export function trainingStep(parts: StepParts, batch: number): FunctionSpec {
  const { optimizer, format, augmentation } = parts;
  const scalars = Object.keys(optimizer.scalars(0, 0));
  return {
    inputs: {
      indices: integers(batch),
      ...augmentationInputs(augmentation, batch),
      ...Object.fromEntries(scalars.map((name) => [name, number])),
    },
    state: ['parameters', 'statistics', ...optimizer.state, 'trainImages', 'trainLabels'],
    body: (state, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      const images = augment(at(state, 'trainImages'), indices, inputs, format, augmentation);
      const labels = gatherRows(at(state, 'trainLabels'), indices, 'int32') as Tensor1D;
      const step = trainOn(parts, images, labels, state, inputs);
      return {
        state: step.state,
        outputs: { measures: nameScope('measures', () => measure(step.chosen)) },
      };
    },
  };
}

/**
 * One step of the optimizer on a batch: images [N H W C], labels [N]. Gives the state after it and
 * what its passes found.
 */
export function trainOn(
  { network, optimizer }: Pick<StepParts, 'network' | 'optimizer'>,
  images: Tensor4D,
  labels: Tensor1D,
  state: Tensors,
  scalars: Tensors,
): { state: Tensors; chosen: Chosen } {
  let passes = 0;
  const gradientAt = (w: Tensor1D): PassResult =>
    nameScope(passes++ === 0 ? 'first_pass' : 'second_pass', () =>
      passAt(network, w, at(state, 'statistics'), images, labels),
    );
  const {
    w,
    state: vectors,
    chosen,
  } = optimizer.step(
    gradientAt,
    at(state, 'parameters'),
    state as Record<string, Tensor1D>,
    scalars as Record<string, Scalar>,
  );
  // Running statistics are those of the pass at w; the one at w + eps leaves none behind.
  return { state: { parameters: w, statistics: chosen.first.statistics, ...vectors }, chosen };
}

type Chosen = ReturnType<Optimizer['step']>['chosen'] & {
  readonly first: PassResult;
  readonly perturbed?: { readonly pass: PassResult; readonly direction: Tensor1D };
};

function measure({ first, perturbed }: Chosen): Tensor1D {
  const none = tf.scalar(0);
  return tf.stack([
    first.loss,
    first.correct,
    perturbed?.pass.loss ?? none,
    perturbed?.pass.correct ?? none,
    norm(first.gradient),
    climbCosine(first, perturbed),
  ]) as Tensor1D;
}

function climbCosine(first: PassResult, perturbed: Chosen['perturbed']): Scalar {
  if (perturbed === undefined) return tf.scalar(0);
  const climbsTheGradient = perturbed.direction === first.gradient;
  return climbsTheGradient ? tf.scalar(1) : cosine(perturbed.direction, first.gradient);
}

/**
 * Evaluation of the images `indices` [batch] of one set; outputs `measures` [2]: the sum of losses
 * and the correct answers.
 */
export function evaluationStep(
  { network, format }: Pick<StepParts, 'network' | 'format'>,
  split: 'train' | 'test',
  batch: number,
): FunctionSpec {
  return {
    inputs: { indices: integers(batch) },
    state: ['parameters', 'statistics', `${split}Images`, `${split}Labels`],
    body: (state, inputs) => {
      const indices = required(inputs['indices'], 'indices');
      const images = plainImages(at(state, `${split}Images`), indices, format);
      const labels = gatherRows(at(state, `${split}Labels`), indices, 'int32') as Tensor1D;
      const { logits } = network.forward(
        at(state, 'parameters'),
        at(state, 'statistics'),
        images,
        'evaluation',
      );
      const loss = tf.sum<Scalar>(sparseCrossEntropy(logits, labels));
      return { outputs: { measures: tf.stack([loss, countCorrect(logits, labels)]) } };
    },
  };
}

const at = (state: Tensors, name: string): Tensor1D => required(state[name], name) as Tensor1D;
