// Seeded random operands for single ops, and the attributes that most ops have.
import { typeAttribute } from '../../../src/native/attributes.js';
import type { TFEOpAttr } from '../../../src/native/tensorflow.js';
import {
  sizeOf,
  type ElementType,
  type TensorType,
  type TypedArray,
} from '../../../src/native/types.js';
import type { RandomStream } from '../../../src/util/random.js';

export interface Operand {
  readonly type: TensorType;
  readonly values: TypedArray;
}

export class Draw {
  constructor(readonly stream: RandomStream) {}

  /** An integer from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + this.stream.integer(high - low + 1);
  }

  flag = (): boolean => this.int(0, 1) === 1;
  pick = <const V>(...choices: readonly V[]): V => choices[this.int(0, choices.length - 1)] as V;
  shape = (rank = this.int(0, 4)): number[] => Array.from({ length: rank }, () => this.int(1, 4));

  float(shape: readonly number[]): Operand {
    const type = { dtype: 'float32', shape } as const;
    return {
      type,
      values: Float32Array.from({ length: sizeOf(shape) }, () => this.stream.uniform()),
    };
  }

  int32(shape: readonly number[], low = 1, high = 5): Operand {
    const values = Int32Array.from({ length: sizeOf(shape) }, () => this.int(low, high));
    return { type: { dtype: 'int32', shape }, values };
  }

  bool(shape: readonly number[]): Operand {
    const values = Uint8Array.from({ length: sizeOf(shape) }, () => this.int(0, 1));
    return { type: { dtype: 'bool', shape }, values };
  }

  /** Of one of the number types. */
  number(dtype: 'float32' | 'int32', shape: readonly number[]): Operand {
    return dtype === 'float32' ? this.float(shape) : this.int32(shape);
  }

  /** Two shapes that broadcast: extents of 1 and missing leading ones on either side. */
  broadcast(): [number[], number[]] {
    const whole = this.shape();
    const thin = () => whole.map((extent) => (this.int(0, 3) === 0 ? 1 : extent));
    const [a, b] = [thin(), thin()];
    return this.flag() ? [a, b.slice(this.int(0, b.length))] : [a.slice(this.int(0, a.length)), b];
  }
}

/** Integers that decide a shape: a vector, or a scalar. */
export const constant = (values: readonly number[] | number): Operand =>
  typeof values === 'number'
    ? { type: { dtype: 'int32', shape: [] }, values: Int32Array.of(values) }
    : { type: { dtype: 'int32', shape: [values.length] }, values: Int32Array.from(values) };

/** One call of an op: what tfjs-node would hand to its binding. */
export interface Example {
  readonly inputs: readonly Operand[];
  readonly attributes?: readonly TFEOpAttr[];
  /** How many outputs the op has; 1 where it is not said. */
  readonly outputs?: number;
}

/** Makes an example from random numbers. */
export type Case = (draw: Draw) => Example;

export const T = (dtype: ElementType) => typeAttribute('T', dtype);
export const int32 = (name: string) => typeAttribute(name, 'int32');
