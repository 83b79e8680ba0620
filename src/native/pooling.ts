// Max- and average-pooling by TensorFlow's own ops, gradients included.
import { intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { input, register, run, saved, single, type Attributes } from './kernel.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor4D } from './tensorflow.js';
import type { Window } from './types.js';

const poolingAttributes = (attributes: Attributes) => {
  const { size, stride, padding } = attributes as unknown as Window;
  return [
    typeAttribute('T', 'float32'),
    intAttribute('ksize', [1, size, size, 1]),
    intAttribute('strides', [1, stride, stride, 1]),
    stringAttribute('padding', padding),
    stringAttribute('data_format', 'NHWC'),
  ];
};

register({
  name: 'fsam.MaxPool',
  forward: (inputs, attributes) =>
    activeBackend().executeSingleOutput('MaxPool', poolingAttributes(attributes), [
      input(inputs, 'x'),
    ]),
  save: { inputs: ['x'], outputs: [true] },
  gradient: (dy, tensors, attributes) => ({
    x: () =>
      activeBackend().executeSingleOutput('MaxPoolGrad', poolingAttributes(attributes), [
        saved(tensors, 0),
        saved(tensors, 1),
        single(dy),
      ]),
  }),
});

register({
  name: 'fsam.AvgPool',
  forward: (inputs, attributes) =>
    activeBackend().executeSingleOutput('AvgPool', poolingAttributes(attributes), [
      input(inputs, 'x'),
    ]),
  save: { inputs: ['x'] },
  gradient: (dy, tensors, attributes) => ({
    x: () =>
      activeBackend().executeSingleOutput('AvgPoolGrad', poolingAttributes(attributes), [
        tf.tensor1d(saved(tensors, 0).shape, 'int32'),
        single(dy),
      ]),
  }),
});

/** The largest value of each window, channel by channel: [N H W C] -> [N H' W' C]. */
export function maxPool(x: Tensor4D, window: Window): Tensor4D {
  if (usesStockOps()) return stock.maxPool(x, window);
  return run('fsam.MaxPool', { x }, { ...window }) as Tensor4D;
}

/** The mean of each window, channel by channel; padding does not count: [N H W C] -> [N H' W' C]. */
export function averagePool(x: Tensor4D, window: Window): Tensor4D {
  if (usesStockOps()) return stock.averagePool(x, window);
  return run('fsam.AvgPool', { x }, { ...window }) as Tensor4D;
}
