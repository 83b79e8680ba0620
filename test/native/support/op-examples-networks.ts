// Random examples of the ops that networks are made of.
import {
  boolAttribute,
  floatAttribute,
  intAttribute,
  stringAttribute,
  typeAttribute,
} from '../../../src/native/attributes.js';
import type { TFEOpAttr } from '../../../src/native/tensorflow.js';
import { sizeOf } from '../../../src/native/types.js';
import { constant, int32, T, type Case, type Draw, type Operand } from './operands.js';

interface Window {
  readonly image: number[];
  readonly kernel: number;
  readonly stride: number;
  readonly padding: 'SAME' | 'VALID';
  readonly output: number[];
}

/** A square window over an image [N H W C], and the extents [N H' W'] that it leaves (TensorFlow's documented formula). */
function window(draw: Draw): Window {
  const [kernel, stride] = [draw.int(1, 3), draw.int(1, 3)];
  const image = [draw.int(1, 2), draw.int(3, 7), draw.int(3, 7), draw.int(1, 3)];
  const padding = draw.pick('SAME', 'VALID');
  const slide = (size = 0) => Math.ceil((padding === 'SAME' ? size : size - kernel + 1) / stride);
  return {
    image,
    kernel,
    stride,
    padding,
    output: [image[0] ?? 0, slide(image[1]), slide(image[2])],
  };
}

const sliding = ({ stride, padding }: Window): TFEOpAttr[] => [
  T('float32'),
  intAttribute('strides', [1, stride, stride, 1]),
  stringAttribute('padding', padding),
  stringAttribute('data_format', 'NHWC'),
];

const convolution = (draw: Draw) => {
  const over = window(draw);
  const outputs = draw.int(1, 3);
  const filter = [over.kernel, over.kernel, over.image[3] ?? 0, outputs];
  const dilations = intAttribute('dilations', [1, 1, 1, 1]);
  return { over, filter, dy: [...over.output, outputs], attributes: [...sliding(over), dilations] };
};

const pooling = (draw: Draw) => {
  const over = window(draw);
  const ksize = intAttribute('ksize', [1, over.kernel, over.kernel, 1]);
  const dy = [...over.output, over.image[3] ?? 0];
  return { over, dy, attributes: [...sliding(over), ksize] };
};

const pool: Case = (draw) => {
  const { over, attributes } = pooling(draw);
  return { inputs: [draw.float(over.image)], attributes };
};

const normalisation = (training: boolean): TFEOpAttr[] => [
  T('float32'),
  typeAttribute('U', 'float32'),
  floatAttribute('epsilon', 1e-5),
  stringAttribute('data_format', 'NHWC'),
  boolAttribute('is_training', training),
];

const normalise: Case = (draw) => {
  const image = draw.shape(4);
  const vectors = [0, 1].map(() => draw.float([image[3] ?? 0]));
  return { inputs: [draw.float(image), ...vectors], outputs: 4 };
};

const normaliseBack: Case = (draw) => {
  const image = draw.shape(4);
  const vectors = [0, 1, 2, 3].map(() => draw.float([image[3] ?? 0]));
  return { inputs: [draw.float(image), draw.float(image), ...vectors], outputs: 3 };
};

/** Of one value: larger operands than the recorder takes for constants. */
const same = (shape: readonly number[]): Operand => ({
  type: { dtype: 'float32', shape },
  values: new Float32Array(sizeOf(shape)).fill(0.5),
});

/** Shapes of images, a 3x3 filter and the gradient of the output. */
const winograd = (draw: Draw) => {
  const [images, inputs, outputs] = [draw.int(1, 3), 32 * draw.int(1, 2), 32 * draw.int(1, 2)];
  const [height, width] = [4 * draw.int(1, 2), 4 * draw.int(1, 2)];
  return {
    x: [images, height, width, inputs],
    filter: [3, 3, inputs, outputs],
    dy: [images, height, width, outputs],
  };
};

/** A convolution by patches: its x, filter and dy. */
const patches =
  (stride: number, count: number): Case =>
  (draw) => {
    const image = [draw.int(1, 2), draw.int(2, 7), draw.int(2, 7), draw.int(1, 9)];
    const [n = 0, h = 0, w = 0, inputs = 0] = image;
    const kernel = draw.pick(1, 3);
    const outputs = draw.int(1, 9);
    const dy = [n, Math.ceil(h / stride), Math.ceil(w / stride), outputs];
    const shapes = [image, [kernel, kernel, inputs, outputs], dy];
    return { inputs: shapes.slice(0, count).map((shape) => draw.float(shape)) };
  };

export const NETWORKS: Readonly<Record<string, Case>> = {
  Conv2D: (draw) => {
    const { over, filter, attributes } = convolution(draw);
    return { inputs: [draw.float(over.image), draw.float(filter)], attributes };
  },
  Conv2DBackpropInput: (draw) => {
    const { over, filter, dy, attributes } = convolution(draw);
    return { inputs: [constant(over.image), draw.float(filter), draw.float(dy)], attributes };
  },
  Conv2DBackpropFilter: (draw) => {
    const { over, filter, dy, attributes } = convolution(draw);
    return { inputs: [draw.float(over.image), constant(filter), draw.float(dy)], attributes };
  },
  WinogradConv2D: (draw) => {
    const { x, filter } = winograd(draw);
    return { inputs: [same(x), same(filter)] };
  },
  WinogradConv2DBackpropInput: (draw) => {
    const { dy, filter } = winograd(draw);
    return { inputs: [same(dy), same(filter)] };
  },
  WinogradConv2DBackpropFilter: (draw) => {
    const { x, dy } = winograd(draw);
    return { inputs: [same(x), same(dy)] };
  },
  PatchConv2D: patches(1, 2),
  PatchConv2DBackpropInput: patches(1, 3),
  PatchConv2DBackpropFilter: patches(1, 3),
  PatchConv2DStrided: patches(2, 2),
  PatchConv2DStridedBackpropInput: patches(2, 3),
  PatchConv2DStridedBackpropFilter: patches(2, 3),
  NormalizeBatch: normalise,
  NormalizeBatchRelu: normalise,
  NormalizeBatchGrad: normaliseBack,
  NormalizeBatchReluGrad: normaliseBack,
  Gelu: (draw) => ({ inputs: [draw.float(draw.shape(2))] }),
  GeluGrad: (draw) => {
    const shape = draw.shape(2);
    return { inputs: [draw.float(shape), draw.float(shape)] };
  },
  NormalizeRows: (draw) => {
    const shape = draw.shape(2);
    const vectors = [shape.slice(1), shape.slice(1), []].map((one) => draw.float(one));
    return { inputs: [draw.float(shape), ...vectors], outputs: 3 };
  },
  NormalizeRowsGrad: (draw) => {
    const [rows = 0, columns = 0] = draw.shape(2);
    const shapes = [[rows, columns], [rows, columns], [columns], [rows], [rows]];
    return { inputs: shapes.map((shape) => draw.float(shape)), outputs: 3 };
  },
  FusedBatchNormV3: (draw) => {
    const image = draw.shape(4);
    const channels = [image[3] ?? 0];
    const training = draw.flag();
    const statistics = training ? [0] : channels;
    const vectors = [channels, channels, statistics, statistics].map((shape) => draw.float(shape));
    return {
      inputs: [draw.float(image), ...vectors],
      attributes: [...normalisation(training), floatAttribute('exponential_avg_factor', 1)],
      outputs: 6,
    };
  },
  FusedBatchNormGradV3: (draw) => {
    const image = draw.shape(4);
    const vectors = [0, 1, 2].map(() => draw.float([image[3] ?? 0]));
    return {
      inputs: [draw.float(image), draw.float(image), ...vectors, draw.float([0])],
      attributes: normalisation(true),
      outputs: 5,
    };
  },
  MaxPool: pool,
  AvgPool: pool,
  MaxPoolGrad: (draw) => {
    const { over, dy, attributes } = pooling(draw);
    return { inputs: [draw.float(over.image), draw.float(dy), draw.float(dy)], attributes };
  },
  MaxPoolGradGrad: (draw) => {
    const { over, dy, attributes } = pooling(draw);
    const x = draw.float(over.image);
    return { inputs: [x, draw.float(dy), draw.float(over.image)], attributes };
  },
  ResizeBilinear: (draw) => ({
    inputs: [
      draw.float([draw.int(1, 2), draw.int(1, 5), draw.int(1, 5), draw.int(1, 3)]),
      constant([draw.int(1, 9), draw.int(1, 9)]),
    ],
    attributes: [
      T('float32'),
      boolAttribute('align_corners', false),
      boolAttribute('half_pixel_centers', true),
    ],
  }),
  AvgPoolGrad: (draw) => {
    const { over, dy, attributes } = pooling(draw);
    return { inputs: [constant(over.image), draw.float(dy)], attributes };
  },
  SoftmaxCrossEntropyWithLogits: (draw) => {
    const shape = [draw.int(1, 4), draw.int(1, 5)];
    return {
      inputs: [draw.float(shape), draw.float(shape)],
      attributes: [T('float32')],
      outputs: 2,
    };
  },
  SparseSoftmaxCrossEntropyWithLogits: (draw) => {
    const [batch, classes] = draw.shape(2) as [number, number];
    return {
      inputs: [draw.float([batch, classes]), draw.int32([batch], 0, classes - 1)],
      attributes: [T('float32'), int32('Tlabels')],
      outputs: 2,
    };
  },
};
