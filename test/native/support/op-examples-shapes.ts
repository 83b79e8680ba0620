// Random examples of ops that only change shapes.
import { intAttribute, typeAttribute } from '../../../src/native/attributes.js';
import { sizeOf } from '../../../src/native/types.js';
import { constant, int32, T, type Case } from './operands.js';

export const SHAPES: Readonly<Record<string, Case>> = {
  Reshape: (draw) => {
    const shape = draw.shape(draw.int(1, 4));
    const wanted = draw.pick([sizeOf(shape)], [...shape].reverse(), [1, ...shape, 1]);
    if (draw.flag()) wanted[draw.int(0, wanted.length - 1)] = -1;
    return {
      inputs: [draw.float(shape), constant(wanted)],
      attributes: [T('float32'), int32('Tshape')],
    };
  },
  ExpandDims: (draw) => {
    const shape = draw.shape();
    return {
      inputs: [draw.float(shape), constant(draw.int(-shape.length - 1, shape.length))],
      attributes: [T('float32'), int32('Tdim')],
    };
  },
  Transpose: (draw) => {
    const shape = draw.shape();
    const order = Array.from(draw.stream.permutation(shape.length));
    return {
      inputs: [draw.float(shape), constant(order)],
      attributes: [T('float32'), int32('Tperm')],
    };
  },
  Fill: (draw) => {
    const dtype = draw.pick('float32', 'int32');
    return {
      inputs: [constant(draw.shape()), draw.number(dtype, [])],
      attributes: [T(dtype), int32('index_type')],
    };
  },
  Tile: (draw) => {
    const shape = draw.shape(draw.int(1, 3));
    const repeats = draw.shape(shape.length);
    return {
      inputs: [draw.float(shape), constant(repeats)],
      attributes: [T('float32'), int32('Tmultiples')],
    };
  },
  PadV2: (draw) => {
    const shape = draw.shape(draw.int(1, 4));
    const pads = draw.int32([shape.length, 2], 0, 3);
    return {
      inputs: [draw.float(shape), pads, draw.float([])],
      attributes: [T('float32'), int32('Tpaddings')],
    };
  },
  Slice: (draw) => {
    const shape = draw.shape();
    const begin = shape.map((extent) => draw.int(0, extent - 1));
    const size = shape.map((extent, i) => draw.pick(-1, draw.int(0, extent - (begin[i] ?? 0))));
    return {
      inputs: [draw.float(shape), constant(begin), constant(size)],
      attributes: [T('float32'), int32('Index')],
    };
  },
  SplitV: (draw) => {
    const shape = draw.shape(draw.int(1, 3));
    const axis = draw.int(0, shape.length - 1);
    const sizes = draw.shape(draw.int(1, 4));
    shape[axis] = sizes.reduce((sum, size) => sum + size, 0);
    const named = draw.flag() ? axis : axis - shape.length;
    return {
      inputs: [draw.float(shape), constant(sizes), constant(named)],
      attributes: [T('float32'), int32('Tlen'), intAttribute('num_split', sizes.length)],
      outputs: sizes.length,
    };
  },
  ConcatV2: (draw) => {
    const shape = draw.shape(draw.int(1, 3));
    const axis = draw.int(0, shape.length - 1);
    const pieces = draw.shape(draw.int(2, 4)).map((extent) => shape.with(axis, extent));
    const named = draw.flag() ? axis : axis - shape.length;
    return {
      inputs: [...pieces.map((piece) => draw.float(piece)), constant(named)],
      attributes: [T('float32'), int32('Tidx'), intAttribute('N', pieces.length)],
    };
  },
  Pack: (draw) => {
    const shape = draw.shape();
    const inputs = Array.from({ length: draw.int(1, 3) }, () => draw.float(shape));
    const axis = intAttribute('axis', draw.int(-shape.length - 1, shape.length));
    return { inputs, attributes: [T('float32'), intAttribute('N', inputs.length), axis] };
  },
  Unpack: (draw) => {
    const shape = draw.shape(draw.int(1, 4));
    const axis = draw.int(-shape.length, shape.length - 1);
    const count = shape.at(axis) ?? 0;
    return {
      inputs: [draw.float(shape)],
      attributes: [T('float32'), intAttribute('axis', axis), intAttribute('num', count)],
      outputs: count,
    };
  },
  OneHot: (draw) => {
    const shape = draw.shape(draw.int(1, 3));
    const indices = draw.number('int32', shape);
    return {
      inputs: [indices, constant(draw.int(1, 5)), draw.float([]), draw.float([])],
      attributes: [T('float32'), int32('TI'), intAttribute('axis', draw.int(-1, shape.length))],
    };
  },
  StatelessRandomUniform: (draw) => ({
    inputs: [constant(draw.shape()), constant([draw.int(0, 9), draw.int(0, 9)])],
    attributes: [typeAttribute('dtype', 'float32'), int32('T'), int32('Tseed')],
  }),
  GatherV2: (draw) => {
    const shape = draw.shape(draw.int(1, 3));
    const axis = draw.int(0, shape.length - 1);
    const indices = draw.int32(draw.shape(draw.int(0, 2)), 0, (shape[axis] ?? 1) - 1);
    return {
      inputs: [draw.float(shape), indices, constant(draw.flag() ? axis : axis - shape.length)],
      attributes: [
        typeAttribute('Tparams', 'float32'),
        int32('Tindices'),
        int32('Taxis'),
        intAttribute('batch_dims', 0),
      ],
    };
  },
  UnsortedSegmentSum: (draw) => {
    const indices = draw.shape(draw.int(1, 2));
    const segments = draw.int(1, 4);
    return {
      inputs: [
        draw.float([...indices, ...draw.shape(draw.int(0, 2))]),
        draw.int32(indices, 0, segments - 1),
        constant(segments),
      ],
      attributes: [typeAttribute('T', 'float32'), int32('Tindices'), int32('Tnumsegments')],
    };
  },
  Range: (draw) => {
    const start = draw.int(-3, 3);
    const step = draw.pick(-2, -1, 1, 2, 3);
    const stop = start + step * draw.int(0, 4) + Math.sign(step) * draw.int(0, 1);
    return {
      inputs: [constant(start), constant(stop), constant(step)],
      attributes: [int32('Tidx')],
    };
  },
};
