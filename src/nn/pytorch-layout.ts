// The axes of a tensor as PyTorch has them, and as the layers here do.
import { sizeOf } from '../native/types.js';
import { required } from '../util/errors.js';

/** Where each axis of ours is among PyTorch's: kernels OIHW -> HWIO, matrices [out in] -> [in out]. */
const FROM_PYTORCH: Readonly<Record<number, readonly number[]>> = { 4: [2, 3, 1, 0], 2: [1, 0] };
const TO_PYTORCH: Readonly<Record<number, readonly number[]>> = { 4: [3, 2, 0, 1], 2: [1, 0] };

type Orders = typeof FROM_PYTORCH;

/** A language model's tables of tokens and positions, which are as PyTorch's. */
const TABLE = /\.(?:wte|wpe)\.weight$/;

/** Tensors that PyTorch's networks name twice where two layers share them, which ours name once. */
const SHARED: Readonly<Record<string, string>> = { 'lm_head.weight': 'transformer.wte.weight' };

/** The second names of a network's tensors, each with the first. */
export const secondNames = (names: ReadonlySet<string>): readonly (readonly [string, string])[] =>
  Object.entries(SHARED).filter(([second, first]) => names.has(first) && !names.has(second));

const orderOf = (orders: Orders, name: string, rank: number): readonly number[] =>
  (TABLE.test(name) ? undefined : orders[rank]) ?? Array.from({ length: rank }, (_, axis) => axis);

const ordered = (orders: Orders, name: string, shape: readonly number[]): number[] =>
  orderOf(orders, name, shape.length).map((axis) => required(shape[axis], 'an axis'));

interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The shape of a tensor of PyTorch's in our order. */
export const shapeFromPytorch = ({ name, shape }: Named): number[] =>
  ordered(FROM_PYTORCH, name, shape);

/** The shape of a tensor of ours in PyTorch's order. */
export const shapeToPytorch = ({ name, shape }: Named): number[] =>
  ordered(TO_PYTORCH, name, shape);

/** Which axis of a tensor of ours is PyTorch's first: that of the filters of a kernel, of the neurons of a matrix. */
export const firstOfPytorch = ({ name, shape }: Named): number =>
  orderOf(TO_PYTORCH, name, shape.length)[0] ?? 0;

/** The numbers of a tensor of PyTorch's in our order. */
export const fromPytorch = (values: Float32Array, { name, shape }: Named): Float32Array =>
  permuted(values, shape, orderOf(FROM_PYTORCH, name, shape.length));

/** The numbers of a tensor of ours in PyTorch's order. */
export const toPytorch = (values: Float32Array, { name, shape }: Named): Float32Array =>
  permuted(values, shape, orderOf(TO_PYTORCH, name, shape.length));

/** Row by row over the axes `order` of a tensor [d0 d1 ..]. */
function permuted(
  values: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const axes = order.map((axis) => ({
    extent: required(shape[axis], 'an axis'),
    step: sizeOf(shape.slice(axis + 1)),
  }));
  const result = new Float32Array(values.length);
  let next = 0;
  const visit = (axis: number, start: number): void => {
    const along = axes[axis];
    if (along === undefined) {
      result[next++] = required(values[start], 'a number');
      return;
    }
    for (let i = 0; i < along.extent; i++) visit(axis + 1, start + i * along.step);
  };
  visit(0, 0);
  return result;
}
