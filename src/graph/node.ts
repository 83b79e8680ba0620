// The operations of a graph, as data.
import type { ElementType, TensorType, TypedArray } from '../native/types.js';

/** The value of an op's attribute, with its kind. */
export type Attribute =
  | { readonly kind: 'type'; readonly value: ElementType }
  | { readonly kind: 'types'; readonly value: readonly ElementType[] }
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  /** The name of a function of the graph's. */
  | { readonly kind: 'function'; readonly value: string }
  | { readonly kind: 'shape'; readonly value: readonly number[] }
  | { readonly kind: 'tensor'; readonly value: { type: TensorType; data: TypedArray } };

/**
 * One operation of the graph. `inputs` are output names (`Conv2D_3`, `Split_1:2`) or control inputs
 * (`^w_read`).
 */
export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Which of the session's devices executes it, from 0. */
  readonly device: number;
  readonly outputs: readonly TensorType[];
}

/**
 * A tensor under tracing: which output of which node it is, and its value where that is a known
 * constant.
 */
export interface SymbolicTensor extends TensorType {
  readonly output: string;
  readonly value?: TypedArray;
}
