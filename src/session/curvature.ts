// Gradients, Hessian and Gauss-Newton products of the mean loss over a sample, added up batch by batch.
//
// H v is the gradient of (gradient . v), by the second derivatives of every op: Pearlmutter, "Fast Exact
// Multiplication by the Hessian" (Neural Computation 6, 1994). G v = J' (d2 loss / d z2) J v, with J the Jacobian
// of the outputs z: J v is the derivative by u of (J' u) . v, which is linear in u.
import type { Source } from '../data/source.js';
import type { FunctionSpec, Tensors } from '../graph/program.js';
import { tf, type Scalar, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import type { Mode, Network } from '../nn/network.js';
import { kept, scaled } from '../optim/vector.js';
import { OUTPUT } from './measure.js';
import { vector } from './slot.js';
import { NUMBER } from './step.js';
import type { Task } from './task.js';

/** The slots [P]: what a product is of, and what is added up. */
export const DIRECTION = 'direction';
export const SUM = 'sum';

export interface CurvatureParts {
  readonly network: Network;
  readonly task: Pick<Task, 'plain' | 'loss'>;
  /** How BatchNorm normalises: in `batch` by the batch, whose statistics are part of what is differentiated. */
  readonly mode: Exclude<Mode, 'training'>;
}

/** The loss of a batch, in two steps. */
interface AtBatch {
  readonly outputAt: (w: Tensor) => Tensor;
  /** The mean over the batch. */
  readonly lossOf: (output: Tensor) => Scalar;
}

/** A vector [P] of a batch, and a number. */
interface Found {
  readonly vector: Tensor;
  readonly number: Scalar;
}

const dot = (x: Tensor, y: Tensor): Scalar => tf.sum<Scalar>(tf.mul(x, y));

/** The gradient at w, and the loss. */
function gradient({ outputAt, lossOf }: AtBatch, w: Tensor1D): Found {
  const { value, grad } = tf.valueAndGrad((x: Tensor) => lossOf(outputAt(x)))(w);
  return { vector: grad, number: value };
}

/** H v, and v' H v. */
function hessianProduct({ outputAt, lossOf }: AtBatch, w: Tensor1D, v: Tensor1D): Found {
  const gradientAt = tf.grad((x) => lossOf(outputAt(x)));
  const product = tf.grad((x) => dot(gradientAt(x), v))(w);
  return { vector: product, number: dot(product, v) };
}

/** G v, and v' G v. */
function gaussNewtonProduct({ outputAt, lossOf }: AtBatch, w: Tensor1D, v: Tensor1D): Found {
  const z = outputAt(w);
  /** J' u */
  const transposed = (u: Tensor): Tensor => tf.grad((x) => dot(outputAt(x), u))(w);
  const along = tf.grad((u) => dot(transposed(u), v))(tf.zerosLike(z));
  const lossGradient = tf.grad((x) => lossOf(x));
  const curved = tf.grad((x) => dot(lossGradient(x), along))(z);
  return { vector: transposed(curved), number: dot(curved, along) };
}

/** What can be added up, and whether it is of a DIRECTION. */
const SUMMED = {
  gradient: { of: gradient, isProduct: false },
  hessian: { of: hessianProduct, isProduct: true },
  gaussNewton: { of: gaussNewtonProduct, isProduct: true },
} as const;

export type Summed = keyof typeof SUMMED;

/**
 * Adds a batch's share of the vector to SUM [P]: new = keep old + share vector. Puts out its share of the number.
 */
export function summing(
  what: Summed,
  parts: CurvatureParts,
  source: Source,
  size: number,
): FunctionSpec {
  const { of, isProduct } = SUMMED[what];
  return {
    inputs: { ...source.inputs(size), keep: NUMBER, share: NUMBER },
    lent: source.lent,
    state: [...stateOf(parts, source), SUM, ...(isProduct ? [DIRECTION] : [])],
    // A second derivative may need no targets: that of cross-entropy does not.
    optional: isProduct ? [...Object.keys(source.inputs(size)), ...Object.keys(source.held)] : [],
    body: (state, inputs) => {
      const w = vector(state, 'parameters');
      const found = of(
        atBatch(parts, source, state, inputs),
        w,
        isProduct ? vector(state, DIRECTION) : w,
      );
      const [keep, share] = [inputs['keep'] as Scalar, inputs['share'] as Scalar];
      const sum = tf.add(kept(vector(state, SUM), keep), tf.mul(found.vector, share));
      return {
        state: { [SUM]: sum },
        outputs: { [OUTPUT]: tf.stack([tf.mul(found.number, share)]) },
      };
    },
  };
}

/** Puts out a batch's share of the loss. */
export function lossOn(parts: CurvatureParts, source: Source, size: number): FunctionSpec {
  return {
    inputs: { ...source.inputs(size), share: NUMBER },
    lent: source.lent,
    state: stateOf(parts, source),
    body: (state, inputs) => {
      const { outputAt, lossOf } = atBatch(parts, source, state, inputs);
      const loss = lossOf(outputAt(vector(state, 'parameters')));
      return { outputs: { [OUTPUT]: tf.stack([tf.mul(loss, inputs['share'] as Scalar)]) } };
    },
  };
}

/** By the batch no statistics are read. */
const stateOf = ({ mode }: CurvatureParts, { held }: Source): string[] => [
  'parameters',
  ...(mode === 'evaluation' ? ['statistics'] : []),
  ...Object.keys(held),
];

function atBatch(
  { network, task, mode }: CurvatureParts,
  source: Source,
  state: Tensors,
  inputs: Tensors,
): AtBatch {
  const { input, targets } = task.plain(source.gather(state, inputs));
  const statistics =
    mode === 'evaluation'
      ? vector(state, 'statistics')
      : // Those after the pass are dropped.
        tf.zeros<Tensor1D['rankType']>([network.statistics.size]);
  return {
    outputAt: (w) => network.forward(w as Tensor1D, statistics, input, mode).output,
    lossOf: (output) => task.loss(output, targets),
  };
}

/**
 * Adds a batch's share of its statistics to the slot `statistics` [S]: over a whole sample their mean, by which
 * BatchNorm is calibrated anew.
 */
export function calibration(
  { network, task }: Omit<CurvatureParts, 'mode'>,
  source: Source,
  size: number,
): FunctionSpec {
  return {
    inputs: { ...source.inputs(size), keep: NUMBER, share: NUMBER },
    lent: source.lent,
    state: ['parameters', 'statistics', ...Object.keys(source.held)],
    // No target is.
    optional: [...Object.keys(source.inputs(size)), ...Object.keys(source.held)],
    body: (state, inputs) => {
      const { input } = task.plain(source.gather(state, inputs));
      const w = vector(state, 'parameters');
      const found = network.observe(w, input);
      const [keep, share] = [inputs['keep'] as Scalar, inputs['share'] as Scalar];
      const sum = tf.add(kept(vector(state, 'statistics'), keep), scaled(found, share));
      return { state: { statistics: sum }, outputs: { [OUTPUT]: tf.stack([share]) } };
    },
  };
}
