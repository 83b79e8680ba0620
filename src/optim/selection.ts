// Some of the parameters: those that weight decay acts on, or those that climb.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { sizeOf } from '../native/types.js';
import type { TensorSpec } from '../nn/layout.js';
import { required } from '../util/errors.js';

/**
 * Number by number `chosen` in the parameters that are selected, and `other` elsewhere. Both are there
 * already: choosing computes neither.
 */
export type Choose = (chosen: Tensor1D, other: Tensor1D) => Tensor1D;

/** @param parameters the tensors that the vectors [P] are cut into */
export function selection(
  parameters: readonly TensorSpec[],
  isSelected: (tensor: TensorSpec) => boolean,
): Choose {
  const runs = runsOf(parameters, isSelected);
  if (runs.every((run) => run.value)) return (chosen) => chosen;
  // A mask [P] would be a constant of the graph as large as the network.
  const sizes = runs.map(({ size }) => size);
  const split = (x: Tensor1D) => (sizes.length === 1 ? [x] : tf.split<Tensor1D>(x, sizes));
  return (chosen, other) => {
    const [inside, outside] = [split(chosen), split(other)];
    const pieces = runs.map((run, i) => required((run.value ? inside : outside)[i], 'a piece'));
    return pieces.length === 1 ? other : tf.concat(pieces);
  };
}

interface Run<T> {
  readonly size: number;
  readonly value: T;
}

/** Neighbours of one value as one piece. */
export function runsOf<T>(
  parameters: readonly TensorSpec[],
  valueOf: (tensor: TensorSpec) => T,
): readonly Run<T>[] {
  const runs: Run<T>[] = [];
  for (const tensor of parameters) {
    const value = valueOf(tensor);
    const before = runs.at(-1)?.value === value ? runs.pop() : undefined;
    runs.push({ size: (before?.size ?? 0) + sizeOf(tensor.shape), value });
  }
  return runs;
}
