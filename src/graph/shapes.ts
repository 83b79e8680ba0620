// Which type and shape each TensorFlow op gives, from those of its inputs: one row an op.
import { sizeOf, type TensorType } from '../native/types.js';
import { required } from '../util/errors.js';
import type { SymbolicTensor } from './node.js';
import { Call, type Attributes } from './op-call.js';

type Rule = (call: Call) => TensorType[];

const float = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });
const like = (tensor: TensorType, shape: readonly number[] = tensor.shape): TensorType => ({
  dtype: tensor.dtype,
  shape,
});

/**
 * What a kernel keeps for its own gradient, or gives for reasons of its own: oneDNN, Eigen and cuDNN
 * each have another size, which is stated nowhere. It is handed on as it is and never computed with.
 */
const RESERVE: TensorType = float(0);

/** The outputs of that kind, by op. */
export const RESERVES: Readonly<Record<string, readonly number[]>> = {
  FusedBatchNormV3: [5],
  FusedBatchNormGradV3: [3, 4],
};

const extent = (shape: readonly number[], axis: number): number =>
  required(shape.at(axis), `axis ${axis} of [${shape.join(' ')}]`);

function broadcast(
  call: Call,
  a: readonly number[] = call.shape(0),
  b: readonly number[] = call.shape(1),
): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x !== y && x !== 1 && y !== 1) call.fail('has shapes that do not broadcast');
    return x === 1 ? y : x;
  });
}

/** Extent after a window slides over `size`. */
function windowed(call: Call, size: number, window: number, stride: number): number {
  const padding = call.attribute('padding', 'string');
  if (padding === 'SAME') return Math.ceil(size / stride);
  return padding === 'VALID'
    ? Math.floor((size - window) / stride) + 1
    : call.fail(`has padding ${padding}, for which no rule is written`);
}

const unary: Rule = (call) => [like(call.input(0))];
const arithmetic: Rule = (call) => [like(call.input(0), broadcast(call))];
const comparison: Rule = (call) => [{ dtype: 'bool', shape: broadcast(call) }];

const reduction: Rule = (call) => {
  const axes = new Set(call.values(1).map((axis) => call.axis(0, axis)));
  const kept = call.flag('keep_dims');
  const shape = call.shape(0).flatMap((size, axis) => (!axes.has(axis) ? [size] : kept ? [1] : []));
  return [like(call.input(0), shape)];
};

const argument: Rule = (call) => {
  const axis = call.axis(0, call.value(1));
  return [{ dtype: 'int32', shape: call.shape(0).filter((_, i) => i !== axis) }];
};

const matrixProduct: Rule = (call) => {
  const [a, b] = [call.shape(0), call.shape(1)];
  const rows = extent(a, call.flag('adj_x', 'transpose_a') ? -1 : -2);
  const columns = extent(b, call.flag('adj_y', 'transpose_b') ? -2 : -1);
  const inner = [
    extent(a, call.flag('adj_x', 'transpose_a') ? -2 : -1),
    extent(b, call.flag('adj_y', 'transpose_b') ? -1 : -2),
  ];
  if (inner[0] !== inner[1]) call.fail('has inner extents that differ');
  return [like(call.input(0), [...broadcast(call, a.slice(0, -2), b.slice(0, -2)), rows, columns])];
};

const pool: Rule = (call) => {
  const [n, h, w, c] = call.shape(0) as [number, number, number, number];
  const [, kh, kw] = call.attribute('ksize', 'ints') as [number, number, number];
  const [, sh, sw] = call.attribute('strides', 'ints') as [number, number, number];
  return [like(call.input(0), [n, windowed(call, h, kh, sh), windowed(call, w, kw, sw), c])];
};

const patchConvolution =
  (stride: number): Rule =>
  (call) => {
    const [n, h, w] = call.shape(0) as [number, number, number];
    const outputs = extent(call.shape(1), 3);
    return [like(call.input(0), [n, Math.ceil(h / stride), Math.ceil(w / stride), outputs])];
  };

const normalise: Rule = (call) => {
  const statistics = like(call.input(1));
  return [like(call.input(0)), statistics, statistics, statistics];
};

const normaliseBack: Rule = (call) => {
  const scale = like(call.input(2));
  return [like(call.input(0)), scale, scale];
};

const reshape: Rule = (call) => {
  const wanted = call.values(1);
  const size = sizeOf(call.shape(0));
  const known = wanted.filter((d) => d >= 0).reduce((product, d) => product * d, 1);
  const shape = wanted.map((d) => (d < 0 ? size / known : d));
  if (sizeOf(shape) !== size || !shape.every(Number.isInteger))
    call.fail(`cannot take the shape [${wanted.join(' ')}]`);
  return [like(call.input(0), shape)];
};

const RULES: Readonly<Record<string, Rule>> = {
  // Elementwise
  ...Object.fromEntries(
    [
      ...['Abs', 'Exp', 'Log', 'Neg', 'Sqrt', 'Rsqrt', 'Square', 'Sign', 'Erf', 'Tanh', 'Sigmoid'],
      ...['Relu', 'ReluGrad', 'Softmax', 'LogSoftmax', 'ZerosLike', 'OnesLike', 'Identity', 'AddN'],
      'CollectiveReduceV2',
    ].map((op) => [op, unary]),
  ),
  ...Object.fromEntries(
    [
      ...['Add', 'AddV2', 'Sub', 'Mul', 'Div', 'RealDiv', 'FloorDiv', 'Maximum', 'Minimum', 'Pow'],
      ...['SquaredDifference', 'FloorMod', 'DivNoNan'],
    ].map((op) => [op, arithmetic]),
  ),
  ...Object.fromEntries(
    [
      ...['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'],
      ...['LogicalAnd', 'LogicalOr'],
    ].map((op) => [op, comparison]),
  ),
  LogicalNot: unary,
  Cast: (call) => [{ dtype: call.attribute('DstT', 'type'), shape: call.shape(0) }],
  Select: (call) => [like(call.input(1))],
  SelectV2: (call) => [
    like(
      call.input(1),
      broadcast(call, call.shape(0), broadcast(call, call.shape(1), call.shape(2))),
    ),
  ],

  // Reductions and products
  Sum: reduction,
  Mean: reduction,
  Max: reduction,
  Min: reduction,
  Prod: reduction,
  All: reduction,
  Any: reduction,
  ArgMax: argument,
  ArgMin: argument,
  L2Loss: (call) => [like(call.input(0), [])],
  MatMul: matrixProduct,
  BatchMatMul: matrixProduct,
  BatchMatMulV2: matrixProduct,

  // Shapes
  Reshape: reshape,
  ExpandDims: (call) => {
    const shape = [...call.shape(0)];
    const axis = call.value(1);
    shape.splice(axis < 0 ? axis + shape.length + 1 : axis, 0, 1);
    return [like(call.input(0), shape)];
  },
  Transpose: (call) => [
    like(
      call.input(0),
      call.values(1).map((axis) => extent(call.shape(0), axis)),
    ),
  ],
  Fill: (call) => [like(call.input(1), call.values(0))],
  Tile: (call) => {
    const repeats = call.values(1);
    return [
      like(
        call.input(0),
        call.shape(0).map((d, i) => d * extent(repeats, i)),
      ),
    ];
  },
  PadV2: (call) => {
    const pads = call.values(1);
    return [
      like(
        call.input(0),
        call.shape(0).map((d, i) => d + extent(pads, 2 * i) + extent(pads, 2 * i + 1)),
      ),
    ];
  },
  Slice: (call) => {
    const begin = call.values(1);
    return [
      like(
        call.input(0),
        call.values(2).map((d, i) => (d < 0 ? extent(call.shape(0), i) - extent(begin, i) : d)),
      ),
    ];
  },
  SplitV: (call) => {
    const axis = call.axis(0, call.value(2));
    const sizes = call.values(1);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total !== extent(call.shape(0), axis)) call.fail(`is cut into ${total} along axis ${axis}`);
    return sizes.map((size) =>
      like(
        call.input(0),
        call.shape(0).map((d, i) => (i === axis ? size : d)),
      ),
    );
  },
  ConcatV2: (call) => {
    const axis = call.axis(0, call.value(-1));
    const total = call.inputs.slice(0, -1).reduce((sum, { shape }) => sum + extent(shape, axis), 0);
    return [
      like(
        call.input(0),
        call.shape(0).map((d, i) => (i === axis ? total : d)),
      ),
    ];
  },
  Pack: (call) => {
    const axis = call.attribute('axis', 'int');
    const shape = [...call.shape(0)];
    shape.splice(axis < 0 ? axis + shape.length + 1 : axis, 0, call.inputs.length);
    return [like(call.input(0), shape)];
  },
  Unpack: (call) => {
    const axis = call.axis(0, call.attribute('axis', 'int'));
    const shape = call.shape(0).filter((_, i) => i !== axis);
    return Array.from({ length: extent(call.shape(0), axis) }, () => like(call.input(0), shape));
  },
  OneHot: (call) => {
    const shape = [...call.shape(0)];
    const axis = call.attribute('axis', 'int');
    shape.splice(axis < 0 ? shape.length : axis, 0, call.value(1));
    return [like(call.input(2), shape)];
  },
  GatherV2: (call) => {
    const axis = call.axis(0, call.value(2));
    const shape = call.shape(0);
    return [
      like(call.input(0), [...shape.slice(0, axis), ...call.shape(1), ...shape.slice(axis + 1)]),
    ];
  },
  UnsortedSegmentSum: (call) => [
    like(call.input(0), [call.value(2), ...call.shape(0).slice(call.shape(1).length)]),
  ],
  Range: (call) => {
    const [start, stop, step] = [call.value(0), call.value(1), call.value(2)];
    return [like(call.input(0), [Math.max(0, Math.ceil((stop - start) / step))])];
  },

  StatelessRandomUniform: (call) => [float(...call.values(0))],

  // Networks
  Conv2D: (call) => {
    const [n, h, w, channels] = call.shape(0) as [number, number, number, number];
    const [kh, kw, inputs, outputs] = call.shape(1) as [number, number, number, number];
    const [, sh, sw] = call.attribute('strides', 'ints') as [number, number, number];
    if (channels !== inputs) call.fail('has a filter for another number of channels');
    return [
      like(call.input(0), [n, windowed(call, h, kh, sh), windowed(call, w, kw, sw), outputs]),
    ];
  },
  Conv2DBackpropInput: (call) => [like(call.input(1), call.values(0))],
  Conv2DBackpropFilter: (call) => [like(call.input(0), call.values(1))],
  WinogradConv2D: (call) => [
    like(call.input(0), [...call.shape(0).slice(0, 3), extent(call.shape(1), 3)]),
  ],
  WinogradConv2DBackpropInput: (call) => [
    like(call.input(0), [...call.shape(0).slice(0, 3), extent(call.shape(1), 2)]),
  ],
  WinogradConv2DBackpropFilter: (call) => [
    like(call.input(0), [3, 3, extent(call.shape(0), 3), extent(call.shape(1), 3)]),
  ],
  PatchConv2D: patchConvolution(1),
  PatchConv2DBackpropInput: (call) => [like(call.input(0))],
  PatchConv2DBackpropFilter: (call) => [like(call.input(1))],
  PatchConv2DStrided: patchConvolution(2),
  PatchConv2DStridedBackpropInput: (call) => [like(call.input(0))],
  PatchConv2DStridedBackpropFilter: (call) => [like(call.input(1))],
  NormalizeBatch: normalise,
  NormalizeBatchRelu: normalise,
  NormalizeBatchGrad: normaliseBack,
  NormalizeBatchReluGrad: normaliseBack,
  Gelu: unary,
  GeluGrad: unary,
  NormalizeRows: (call) => {
    const ofRow = float(...call.shape(0).slice(0, 1));
    return [like(call.input(0)), ofRow, ofRow];
  },
  NormalizeRowsGrad: (call) => {
    const scale = like(call.input(2));
    return [like(call.input(0)), scale, scale];
  },
  FusedBatchNormV3: (call) => {
    const statistics = like(call.input(1));
    return [like(call.input(0)), statistics, statistics, statistics, statistics, RESERVE];
  },
  FusedBatchNormGradV3: (call) => {
    const scale = like(call.input(2));
    return [like(call.input(0)), scale, scale, RESERVE, RESERVE];
  },
  MaxPool: pool,
  AvgPool: pool,
  MaxPoolGrad: (call) => [like(call.input(0))],
  MaxPoolGradGrad: (call) => [like(call.input(1))],
  ResizeBilinear: (call) => {
    const [batch = 0, , , channels = 0] = call.shape(0);
    return [float(batch, ...call.values(1), channels)];
  },
  AvgPoolGrad: (call) => [like(call.input(1), call.values(0))],
  SoftmaxCrossEntropyWithLogits: (call) => [float(extent(call.shape(0), 0)), like(call.input(0))],
  SparseSoftmaxCrossEntropyWithLogits: (call) => [
    float(extent(call.shape(0), 0)),
    like(call.input(0)),
  ],
};

/** The ops that have a rule, for the tests that hold each against TensorFlow. */
export const KNOWN_OPS: readonly string[] = Object.keys(RULES);

/**
 * The types of what `op` gives. Throws an InternalError for an op without a rule or inputs that do
 * not fit.
 */
export function inferTypes(
  op: string,
  inputs: readonly SymbolicTensor[],
  attributes: Attributes,
): TensorType[] {
  const call = new Call(op, inputs, attributes);
  const rule = RULES[op] ?? call.fail('has no shape rule; write its row in src/graph/shapes.ts');
  return rule(call);
}
