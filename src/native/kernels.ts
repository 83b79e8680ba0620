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
  type Tensor4D,
} from './tensorflow.js';
import { boolAttribute, intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { inBfloat16 } from './bfloat16.js';
import { input, register, run, saved, single, type Attributes } from './kernel.js';
import { averagePool } from './pooling.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';

// Convolution

/**
 * What a convolution multiplies; its input and output are float32 either way, and its sums but for
 * the gradients of bfloat16 where TensorFlow computes without oneDNN or cuDNN.
 */
export type Precision = 'float32' | 'bfloat16';

const convolutionAttributes = (attributes: Attributes) => {
  const stride = attributes['stride'] as number;
  return [
    typeAttribute('T', attributes['precision'] as Precision),
    intAttribute('strides', [1, stride, stride, 1]),
    stringAttribute('padding', attributes['padding'] as string),
    stringAttribute('data_format', 'NHWC'),
    boolAttribute('use_cudnn_on_gpu', true),
    intAttribute('dilations', [1, 1, 1, 1]),
  ];
};

function convolve(op: string, inputs: Tensor[], attributes: Attributes): Tensor {
  const options = convolutionAttributes(attributes);
  return attributes['precision'] === 'bfloat16'
    ? inBfloat16(op, options, inputs)
    : activeBackend().executeSingleOutput(op, options, inputs);
}

/**
 * Channels from which oneDNN computes a strided 1x1 convolution's filter gradient right: a vector of AVX-512's. Below a
 * vector it writes past its buffer, which ends in wrong gradients or a crash
 * (https://github.com/uxlfoundation/oneDNN/issues/6035).
 */
const ENOUGH_CHANNELS = 16;

/** The same gradient, of x's own pixels under the stride: an average over one pixel is that pixel. */
function filterGradient(x: Tensor4D, filter: Tensor4D, dy: Tensor, attributes: Attributes): Tensor {
  const [height, width, inputs] = filter.shape;
  const stride = attributes['stride'] as number;
  const isUnsafe = height === 1 && width === 1 && stride > 1 && inputs < ENOUGH_CHANNELS;
  const [pixels, step] = isUnsafe
    ? [averagePool(x, { size: 1, stride, padding: 'VALID' }), 1]
    : [x, stride];
  return convolve('Conv2DBackpropFilter', [pixels, tf.tensor1d(filter.shape, 'int32'), dy], {
    ...attributes,
    stride: step,
  });
}

register({
  name: 'fsam.Conv2D',
  forward: (inputs, attributes) =>
    convolve('Conv2D', [input(inputs, 'x'), input(inputs, 'filter')], attributes),
  save: { inputs: ['x', 'filter'] },
  gradient: (dy, tensors, attributes) => {
    const [x, filter] = [saved(tensors, 0) as Tensor4D, saved(tensors, 1) as Tensor4D];
    const inputs = () => [tf.tensor1d(x.shape, 'int32'), filter, single(dy)];
    return {
      x: () => convolve('Conv2DBackpropInput', inputs(), attributes),
      filter: () => filterGradient(x, filter, single(dy), attributes),
    };
  },
});

/**
 * x [N H W I] * filter [K K I O] -> [N H' W' O]. SAME pads as TensorFlow does: for stride 1 evenly.
 */
export function conv2d(
  x: Tensor4D,
  filter: Tensor4D,
  stride: number,
  padding: 'SAME' | 'VALID',
  precision: Precision = 'float32',
): Tensor4D {
  if (usesStockOps()) return stock.conv2d(x, filter, stride, padding);
  return run('fsam.Conv2D', { x, filter }, { stride, padding, precision }) as Tensor4D;
}

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
  gradient: (dy, tensors) => ({
    x: () =>
      activeBackend().executeSingleOutput(
        'ReluGrad',
        [typeAttribute('T', 'float32')],
        [single(dy), saved(tensors, 0)],
      ),
  }),
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
  save: { outputs: [false, true] },
  gradient: (dy, tensors) => ({
    logits: () => tf.mul(tf.expandDims(single(dy), 1), saved(tensors, 0)),
    labels: () => tf.zerosLike(single(dy)),
  }),
});

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
  save: { outputs: [false, true] },
  gradient: (dy, tensors) => ({
    logits: () => tf.mul(tf.expandDims(single(dy), 1), saved(tensors, 0)),
    targets: () => tf.zerosLike(saved(tensors, 0)),
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
