// Convolution by TensorFlow's own ops, with gradients that have gradients.
import { boolAttribute, intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { input, register, run, saved, single, type Attributes } from './kernel.js';
import { averagePool } from './pooling.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor4D } from './tensorflow.js';

const convolutionAttributes = (attributes: Attributes) => {
  const stride = attributes['stride'] as number;
  return [
    typeAttribute('T', 'float32'),
    intAttribute('strides', [1, stride, stride, 1]),
    stringAttribute('padding', attributes['padding'] as string),
    stringAttribute('data_format', 'NHWC'),
    boolAttribute('use_cudnn_on_gpu', true),
    intAttribute('dilations', [1, 1, 1, 1]),
  ];
};

const convolve = (op: string, inputs: Tensor[], attributes: Attributes): Tensor =>
  activeBackend().executeSingleOutput(op, convolutionAttributes(attributes), inputs);

/**
 * Channels from which oneDNN computes a strided 1x1 convolution's filter gradient right: a vector of AVX-512's. Below a
 * vector it writes past its buffer, which ends in wrong gradients or a crash
 * (https://github.com/uxlfoundation/oneDNN/issues/6035).
 */
const ENOUGH_CHANNELS = 16;

/** There, the same gradient of x's own pixels under the stride: an average over one pixel is that pixel. */
function convolveFilter(x: Tensor4D, dy: Tensor, attributes: Attributes): Tensor {
  const shape = attributes['filterShape'] as number[];
  const [height = 0, width = 0, inputs = 0] = shape;
  const stride = attributes['stride'] as number;
  const isUnsafe = height === 1 && width === 1 && stride > 1 && inputs < ENOUGH_CHANNELS;
  const [pixels, step] = isUnsafe
    ? [averagePool(x, { size: 1, stride, padding: 'VALID' }), 1]
    : [x, stride];
  const tensors = [pixels, tf.tensor1d(shape, 'int32'), dy];
  return convolve('Conv2DBackpropFilter', tensors, { ...attributes, stride: step });
}

/** What the ops of one convolution share: `xShape` and `filterShape` of what is asked for. */
const ops = {
  forward: 'fsam.Conv2D',
  input: 'fsam.Conv2DBackpropInput',
  filter: 'fsam.Conv2DBackpropFilter',
};

// Each is linear in both of its inputs, so that the gradients of one are the others.
register({
  name: ops.forward,
  forward: (inputs, attributes) =>
    convolve('Conv2D', [input(inputs, 'x'), input(inputs, 'filter')], attributes),
  save: { inputs: ['x', 'filter'] },
  gradient: (dy, tensors, attributes) => {
    const [x, filter] = [saved(tensors, 0), saved(tensors, 1)];
    return {
      x: () => inputGradient(filter, single(dy), x.shape, attributes),
      filter: () => filterGradient(x, single(dy), filter.shape, attributes),
    };
  },
});

const inputGradient = (filter: Tensor, dy: Tensor, xShape: number[], attributes: Attributes) =>
  run(ops.input, { filter, dy }, { ...attributes, xShape }) as Tensor;

register({
  name: ops.input,
  forward: (inputs, attributes) => {
    const shape = tf.tensor1d(attributes['xShape'] as number[], 'int32');
    const tensors = [shape, input(inputs, 'filter'), input(inputs, 'dy')];
    return convolve('Conv2DBackpropInput', tensors, attributes);
  },
  save: { inputs: ['filter', 'dy'] },
  gradient: (c, tensors, attributes) => {
    const [filter, dy] = [saved(tensors, 0), saved(tensors, 1)];
    return {
      filter: () => filterGradient(single(c), dy, filter.shape, attributes),
      dy: () => run(ops.forward, { x: single(c), filter }, attributes) as Tensor,
    };
  },
});

const filterGradient = (x: Tensor, dy: Tensor, filterShape: number[], attributes: Attributes) =>
  run(ops.filter, { x, dy }, { ...attributes, filterShape }) as Tensor;

register({
  name: ops.filter,
  forward: (inputs, attributes) =>
    convolveFilter(input(inputs, 'x') as Tensor4D, input(inputs, 'dy'), attributes),
  save: { inputs: ['x', 'dy'] },
  gradient: (c, tensors, attributes) => {
    const [x, dy] = [saved(tensors, 0), saved(tensors, 1)];
    return {
      x: () => inputGradient(single(c), dy, x.shape, attributes),
      dy: () => run(ops.forward, { x, filter: single(c) }, attributes) as Tensor,
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
): Tensor4D {
  if (usesStockOps()) return stock.conv2d(x, filter, stride, padding);
  return run(ops.forward, { x, filter }, { stride, padding }) as Tensor4D;
}
