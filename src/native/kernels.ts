// TensorFlow's fused training ops as tfjs kernels with gradients of their own: one op forward, one
// or two back.
//
// tfjs composes batch normalisation, ReLU's gradient and cross-entropy of many small ops; called by
// TensorFlow's own names they are several times faster and hold far less memory. Registering them
// as kernels gives them to tfjs's tape like any other op.
import {
  activeBackend,
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from './tensorflow.js';
import { boolAttribute, intAttribute, typeAttribute } from './attributes.js';
import './from-inputs.js';
import { detached, input, isTaped, register, run, saved, single } from './kernel.js';
import { oneHot } from './one-hot.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';

// ReLU

register({
  name: 'fsam.Relu',
  forward: (inputs) =>
    activeBackend().executeSingleOutput(
      'Relu',
      [typeAttribute('T', 'float32')],
      [input(inputs, 'x')],
    ),
  save: { outputs: [true] },
  gradient: (dy, tensors) => ({ x: () => whereActive(single(dy), detached(saved(tensors, 0))) }),
});

/** dy where y is above 0: linear in dy, and without a slope in y. */
const whereActive = (dy: Tensor, y: Tensor): Tensor => run('fsam.ReluGrad', { dy, y }) as Tensor;

register({
  name: 'fsam.ReluGrad',
  forward: (inputs) =>
    activeBackend().executeSingleOutput(
      'ReluGrad',
      [typeAttribute('T', 'float32')],
      [input(inputs, 'dy'), input(inputs, 'y')],
    ),
  save: { inputs: ['y'] },
  gradient: (c, tensors) => ({ dy: () => whereActive(single(c), saved(tensors, 0)) }),
});

export function relu<T extends Tensor>(x: T): T {
  if (usesStockOps()) return stock.relu(x);
  return run('fsam.Relu', { x }) as T;
}

// Cross-entropy

register({
  name: 'fsam.SparseCrossEntropy',
  forward: (inputs) =>
    activeBackend().executeMultipleOutputs(
      'SparseSoftmaxCrossEntropyWithLogits',
      [typeAttribute('T', 'float32'), typeAttribute('Tlabels', 'int32')],
      [input(inputs, 'logits'), input(inputs, 'labels')],
      2,
    ),
  save: { inputs: ['logits', 'labels'], outputs: [false, true] },
  gradient: (dy, tensors) => ({
    logits: () => {
      const [logits, labels] = [saved(tensors, 0) as Tensor2D, saved(tensors, 1) as Tensor1D];
      const targets = () => oneHot(labels, logits.shape[1]);
      return tf.mul(tf.expandDims(single(dy), 1), lessTargets(logits, targets, saved(tensors, 2)));
    },
    labels: () => tf.zerosLike(single(dy)),
  }),
});

/**
 * softmax(logits) - targets [N K], which TensorFlow's ops give, too: where a gradient of it is asked for, it is
 * computed anew from the logits.
 */
const lessTargets = (logits: Tensor2D, targets: () => Tensor, computed: Tensor): Tensor =>
  isTaped() ? tf.sub(tf.softmax(logits), detached(targets())) : computed;

/**
 * Cross-entropy of softmax(logits [N K]) against labels [N] (int32, 0 .. K-1), one value an
 * example: [N].
 */
export function sparseCrossEntropy(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  if (usesStockOps()) return stock.sparseCrossEntropy(logits, labels);
  const [losses] = run('fsam.SparseCrossEntropy', { logits, labels }) as Tensor[];
  return losses as Tensor1D;
}

register({
  name: 'fsam.CrossEntropy',
  forward: (inputs) =>
    activeBackend().executeMultipleOutputs(
      'SoftmaxCrossEntropyWithLogits',
      [typeAttribute('T', 'float32')],
      [input(inputs, 'logits'), input(inputs, 'targets')],
      2,
    ),
  save: { inputs: ['logits', 'targets'], outputs: [false, true] },
  gradient: (dy, tensors) => ({
    logits: () => {
      const [logits, targets] = [saved(tensors, 0) as Tensor2D, saved(tensors, 1)];
      const rest = lessTargets(logits, () => targets, saved(tensors, 2));
      return tf.mul(tf.expandDims(single(dy), 1), rest);
    },
    targets: () => tf.zerosLike(saved(tensors, 1)),
  }),
});

/** Cross-entropy of softmax(logits [N K]) against distributions `targets` [N K]: [N]. */
export function crossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  if (usesStockOps()) return stock.crossEntropy(logits, targets);
  const [losses] = run('fsam.CrossEntropy', { logits, targets }) as Tensor[];
  return losses as Tensor1D;
}

// Data on the device

/**
 * Rows of `table` [M ...] at `indices` [...] (int32). `dtype` is the table's: tfjs takes uint8
 * tensors for int32.
 */
export function gatherRows(table: Tensor, indices: Tensor, dtype: 'uint8' | 'int32'): Tensor {
  if (usesStockOps()) return stock.gatherRows(table, indices);
  return activeBackend().executeSingleOutput(
    'GatherV2',
    [
      typeAttribute('Tparams', dtype),
      typeAttribute('Tindices', 'int32'),
      typeAttribute('Taxis', 'int32'),
      intAttribute('batch_dims', 0),
    ],
    [table, indices, tf.scalar(0, 'int32')],
  );
}

/** A uint8 tensor with another shape. */
export function reshapeBytes(x: Tensor, shape: readonly number[]): Tensor {
  if (usesStockOps()) return stock.reshape(x, shape);
  return activeBackend().executeSingleOutput(
    'Reshape',
    [typeAttribute('T', 'uint8'), typeAttribute('Tshape', 'int32')],
    [x, tf.tensor1d([...shape], 'int32')],
  );
}

/** uint8 -> float32, 0 .. 255. */
export function bytesToFloat(x: Tensor): Tensor {
  if (usesStockOps()) return stock.toFloat(x);
  return activeBackend().executeSingleOutput(
    'Cast',
    [
      typeAttribute('SrcT', 'uint8'),
      typeAttribute('DstT', 'float32'),
      boolAttribute('Truncate', false),
    ],
    [x],
  );
}

/** The same tensor as an op of its own, which may wait for others where `x` itself does not. */
export function identity<T extends Tensor>(x: T): T {
  if (usesStockOps()) return stock.identity(x);
  return activeBackend().executeSingleOutput('Identity', [typeAttribute('T', 'float32')], [x]) as T;
}

/** sum(x^2) / 2 of a whole tensor: one pass, no intermediate. */
export function halfSquaredNorm(x: Tensor): Scalar {
  if (usesStockOps()) return stock.halfSquaredNorm(x);
  return activeBackend().executeSingleOutput(
    'L2Loss',
    [typeAttribute('T', 'float32')],
    [x],
  ) as Scalar;
}
