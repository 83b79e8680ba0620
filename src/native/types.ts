// Element types, as our code names them and as TensorFlow numbers them.
import { InternalError } from '../util/errors.js';

export type ElementType = 'float32' | 'bfloat16' | 'int32' | 'uint8' | 'bool';
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** What is known of a tensor before it has a value. */
export interface TensorType {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

/** A square window; SAME pads as TensorFlow does: right and bottom first. */
export interface Window {
  readonly size: number;
  readonly stride: number;
  readonly padding: 'SAME' | 'VALID';
}

/** TensorFlow's DataType enumeration (tensorflow/core/framework/types.proto). */
export const DATA_TYPE = {
  float32: 1,
  bfloat16: 14,
  int32: 3,
  uint8: 4,
  bool: 10,
} as const satisfies Record<ElementType, number>;

/**
 * The element type that TensorFlow numbers `dataType`; an InternalError for one this project does
 * not use.
 */
export function elementType(dataType: number): ElementType {
  for (const [name, number] of Object.entries(DATA_TYPE)) {
    if (number === dataType) return name as ElementType;
  }
  throw new InternalError(`TensorFlow's data type ${dataType} has no name here`);
}

/** Number of elements of a tensor of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** `[2, 3]`: as the headers of files have shapes. */
export const shapeInFile = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** float32 [2 3]: how shapes are written in listings and errors. */
export function describeType(type: TensorType): string {
  return `${type.dtype} [${type.shape.join(' ')}]`;
}
