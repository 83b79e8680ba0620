// Random examples of elementwise ops, reductions and matrix products.
import { boolAttribute, intAttribute, typeAttribute } from '../../../src/native/attributes.js';
import { constant, int32, T, type Case, type Draw, type Example } from './operands.js';

const unary =
  (...types: ('float32' | 'int32')[]): Case =>
  (draw) => {
    const dtype = draw.pick(...types);
    return { inputs: [draw.number(dtype, draw.shape())], attributes: [T(dtype)] };
  };

const arithmetic =
  (...types: ('float32' | 'int32')[]): Case =>
  (draw) => {
    const dtype = draw.pick(...types);
    const [a, b] = draw.broadcast();
    return { inputs: [draw.number(dtype, a), draw.number(dtype, b)], attributes: [T(dtype)] };
  };

const logical: Case = (draw) => {
  const [a, b] = draw.broadcast();
  return { inputs: [draw.bool(a), draw.bool(b)] };
};

/** Some of the axes, each once, counted from either end. */
function someAxes(draw: Draw, rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i).filter(() => draw.flag());
  return axes.map((axis) => (draw.flag() ? axis : axis - rank));
}

const reduction =
  (dtype: 'float32' | 'bool'): Case =>
  (draw) => {
    const shape = draw.shape();
    const x = dtype === 'bool' ? draw.bool(shape) : draw.float(shape);
    const keep = boolAttribute('keep_dims', draw.flag());
    return {
      inputs: [x, constant(someAxes(draw, shape.length))],
      attributes: [keep, int32('Tidx'), ...(dtype === 'bool' ? [] : [T(dtype)])],
    };
  };

const argument: Case = (draw) => {
  const shape = draw.shape(draw.int(1, 4));
  return {
    inputs: [draw.float(shape), constant(draw.int(-shape.length, shape.length - 1))],
    attributes: [T('float32'), int32('Tidx'), int32('output_type')],
  };
};

/** [... M K] x [... K N], either side transposed or not. */
function product(draw: Draw, a: number[], b: number[], names: [string, string]): Example {
  const [m, k, n] = draw.shape(3) as [number, number, number];
  const [flipA, flipB] = [draw.flag(), draw.flag()];
  return {
    inputs: [
      draw.float([...a, ...(flipA ? [k, m] : [m, k])]),
      draw.float([...b, ...(flipB ? [n, k] : [k, n])]),
    ],
    attributes: [T('float32'), boolAttribute(names[0], flipA), boolAttribute(names[1], flipB)],
  };
}

export const ELEMENTWISE: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(
    ['Exp', 'Log', 'Sqrt', 'Rsqrt', 'Erf', 'Tanh', 'Sigmoid', 'Relu', 'L2Loss'].map((op) => [
      op,
      unary('float32'),
    ]),
  ),
  ...Object.fromEntries(
    ['Abs', 'Neg', 'Square', 'Sign', 'ZerosLike', 'OnesLike', 'Identity'].map((op) => [
      op,
      unary('float32', 'int32'),
    ]),
  ),
  ...Object.fromEntries(
    ['Softmax', 'LogSoftmax'].map((op): [string, Case] => [
      op,
      (draw) => ({ inputs: [draw.float(draw.shape(draw.int(1, 4)))], attributes: [T('float32')] }),
    ]),
  ),
  ReluGrad: (draw) => {
    const shape = draw.shape();
    return { inputs: [draw.float(shape), draw.float(shape)], attributes: [T('float32')] };
  },
  AddN: (draw) => {
    const shape = draw.shape();
    const inputs = Array.from({ length: draw.int(1, 3) }, () => draw.float(shape));
    return { inputs, attributes: [T('float32'), intAttribute('N', inputs.length)] };
  },
  ...Object.fromEntries(
    [
      ...['Add', 'AddV2', 'Sub', 'Mul', 'Maximum', 'Minimum', 'FloorDiv', 'FloorMod', 'Div'],
      ...['SquaredDifference', 'Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'],
    ].map((op) => [op, arithmetic('float32', 'int32')]),
  ),
  RealDiv: arithmetic('float32'),
  Pow: arithmetic('float32'),
  DivNoNan: arithmetic('float32'),
  LogicalAnd: logical,
  LogicalOr: logical,
  LogicalNot: (draw) => ({ inputs: [draw.bool(draw.shape())] }),
  Cast: (draw) => {
    const [from, to] = [
      draw.pick('float32', 'int32'),
      draw.pick('float32', 'int32', 'uint8', 'bool'),
    ];
    return {
      inputs: [draw.number(from, draw.shape())],
      attributes: [
        typeAttribute('SrcT', from),
        typeAttribute('DstT', to),
        boolAttribute('Truncate', false),
      ],
    };
  },
  Select: (draw) => {
    const shape = draw.shape();
    return {
      inputs: [draw.bool(shape), draw.float(shape), draw.float(shape)],
      attributes: [T('float32')],
    };
  },
  SelectV2: (draw) => {
    const [a, b] = draw.broadcast();
    const [condition, yes, no] = draw.pick([a, b, a], [a, b, b], [a, a, b]);
    return {
      inputs: [draw.bool(condition), draw.float(yes), draw.float(no)],
      attributes: [T('float32')],
    };
  },
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod'].map((op) => [op, reduction('float32')]),
  ),
  All: reduction('bool'),
  Any: reduction('bool'),
  ArgMax: argument,
  ArgMin: argument,
  MatMul: (draw) => product(draw, [], [], ['transpose_a', 'transpose_b']),
  BatchMatMul: (draw) => {
    const batch = draw.shape(draw.int(1, 2));
    return product(draw, batch, batch, ['adj_x', 'adj_y']);
  },
  BatchMatMulV2: (draw) => product(draw, ...draw.broadcast(), ['adj_x', 'adj_y']),
};
