// bfloat16 under tfjs, which knows no such tensors: its kernels go on calling ops for float32, and the binding below them
// calls those for what its inputs are.
//
// A tensor becomes narrow by a cast (bfloat16.ts). What an op of FOLLOWING makes of a narrow tensor is narrow, its other
// numbers are cast; any other op gets its narrow inputs as float32 and gives float32.
import type { TFEOpAttr, TFJSBinding } from './tensorflow.js';
import { DATA_TYPE } from './types.js';

/** Places of inputs, from 0. */
type Places = (count: number) => readonly number[];

const all: Places = (count) => Array.from({ length: count }, (_, i) => i);
const allButLast: Places = (count) => all(count - 1);
const at =
  (...places: number[]): Places =>
  () =>
    places;

/**
 * Ops computed in bfloat16, with the inputs that attribute T is the type of. Products add up in float32 inside; batch
 * normalisation takes its statistics in it.
 */
const FOLLOWING: Readonly<Record<string, Places>> = {
  ...Object.fromEntries(
    [
      ...['Identity', 'Reshape', 'Slice', 'Transpose', 'ExpandDims', 'Squeeze', 'Tile', 'Unpack'],
      ...['SplitV', 'Relu', 'Neg', 'MaxPool', 'AvgPool', 'FusedBatchNormV3'],
    ].map((op) => [op, at(0)]),
  ),
  ...Object.fromEntries(
    [
      ...['Add', 'AddV2', 'AddN', 'Sub', 'Mul', 'Maximum', 'Minimum', 'Pack', 'ReluGrad'],
      ...['MaxPoolGrad', 'MaxPoolGradGrad', 'MatMul', 'BatchMatMul', 'BatchMatMulV2', 'Conv2D'],
    ].map((op) => [op, all]),
  ),
  ConcatV2: allButLast,
  PadV2: at(0, 2),
  AvgPoolGrad: at(1),
  Conv2DBackpropInput: at(1, 2),
  Conv2DBackpropFilter: at(0, 2),
  FusedBatchNormGradV3: at(0, 1),
};

/** Of each binding made here, the ids of its narrow tensors. */
const NARROW = new WeakMap<TFJSBinding, ReadonlySet<number>>();

export const isNarrowIn = (binding: TFJSBinding, id: number): boolean =>
  NARROW.get(binding)?.has(id) ?? false;

/** The same binding, to which tensors may be narrow; it calls all tensors of either type float32. */
export function narrowing(binding: TFJSBinding): TFJSBinding {
  const narrow = new Set<number>();
  type Outputs = ReturnType<TFJSBinding['executeOp']>;

  const execute: TFJSBinding['executeOp'] = (op, attributes, inputs, count): Outputs =>
    binding.executeOp(op, attributes, inputs, count).map((output) => {
      if (output.dtype !== DATA_TYPE.bfloat16) return output;
      narrow.add(output.id);
      const { id, shape } = output;
      return { id, shape, dtype: DATA_TYPE.float32 };
    });
  const cast = (id: number, to: 'float32' | 'bfloat16'): number => {
    const from = to === 'float32' ? 'bfloat16' : 'float32';
    const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value });
    const attributes = [
      type('SrcT', DATA_TYPE[from]),
      type('DstT', DATA_TYPE[to]),
      { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false },
    ];
    return execute('Cast', attributes, [id], 1)[0]?.id ?? 0;
  };
  const remove = (id: number): void => {
    narrow.delete(id);
    binding.deleteTensor(id);
  };

  const own: Partial<TFJSBinding> = {
    executeOp: (op, attributes, inputs, count) => {
      const ids = [...inputs];
      if (!ids.some((id) => narrow.has(id))) return execute(op, attributes, ids, count);
      if (op === 'Cast') return execute(op, typed(attributes, 'SrcT'), ids, count);
      const places = FOLLOWING[op]?.(ids.length);
      const made: number[] = [];
      const fitting = ids.map((id, place) => {
        const isWanted = places?.includes(place) ?? false;
        if (isWanted === narrow.has(id)) return id;
        const other = cast(id, isWanted ? 'bfloat16' : 'float32');
        made.push(other);
        return other;
      });
      try {
        return execute(
          op,
          places === undefined ? attributes : typed(attributes, 'T'),
          fitting,
          count,
        );
      } finally {
        made.forEach(remove);
      }
    },
    deleteTensor: remove,
    tensorDataSync: (id) => {
      if (!narrow.has(id)) return binding.tensorDataSync(id);
      const wide = cast(id, 'float32');
      try {
        return binding.tensorDataSync(wide);
      } finally {
        remove(wide);
      }
    },
  };
  const made = Object.create(binding, Object.getOwnPropertyDescriptors(own)) as TFJSBinding;
  NARROW.set(made, narrow);
  return made;
}

const typed = (attributes: readonly TFEOpAttr[], name: string): TFEOpAttr[] =>
  attributes.map(({ name: other, type, value }) => ({
    name: other,
    type,
    value: other === name ? DATA_TYPE.bfloat16 : value,
  }));
