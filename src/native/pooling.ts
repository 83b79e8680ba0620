// Max- and average-pooling by TensorFlow's own ops, gradients included.
import { intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import {
  detached,
  input,
  register,
  run,
  saved,
  single,
  type Attributes,
  type Inputs,
} from './kernel.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor4D } from './tensorflow.js';
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
    x: () => {
      const [x, y] = [detached(saved(tensors, 0)), detached(saved(tensors, 1))];
      return run('fsam.MaxPoolGrad', { x, y, dy: single(dy) }, attributes) as Tensor;
    },
  }),
});

/** Puts dy where the largest values were: linear in dy. */
register({
  name: 'fsam.MaxPoolGrad',
  forward: (inputs, attributes) => pooled('MaxPoolGrad', inputs, input(inputs, 'dy'), attributes),
  save: { inputs: ['x', 'y'] },
  gradient: (c, tensors, attributes) => {
    const places = { x: saved(tensors, 0), y: saved(tensors, 1) };
    return { dy: () => pooled('MaxPoolGradGrad', places, single(c), attributes) };
  },
});

const pooled = (op: string, places: Inputs, values: Tensor, attributes: Attributes): Tensor =>
  activeBackend().executeSingleOutput(op, poolingAttributes(attributes), [
    input(places, 'x'),
    input(places, 'y'),
    values,
  ]);

register({
  name: 'fsam.AvgPool',
  forward: (inputs, attributes) =>
    activeBackend().executeSingleOutput('AvgPool', poolingAttributes(attributes), [
      input(inputs, 'x'),
    ]),
  save: { inputs: ['x'] },
  gradient: (dy, tensors, attributes) => ({
    x: () => {
      const { shape } = saved(tensors, 0);
      return run('fsam.AvgPoolGrad', { dy: single(dy) }, { ...attributes, shape }) as Tensor;
    },
  }),
});

register({
  name: 'fsam.AvgPoolGrad',
  forward: (inputs, attributes) =>
    activeBackend().executeSingleOutput('AvgPoolGrad', poolingAttributes(attributes), [
      tf.tensor1d(attributes['shape'] as number[], 'int32'),
      input(inputs, 'dy'),
    ]),
  save: {},
  gradient: (c, _, attributes) => ({
    dy: () => run('fsam.AvgPool', { x: single(c) }, attributes) as Tensor,
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
