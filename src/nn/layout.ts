// How a flat vector is cut into named tensors: all parameters are one vector, all running
// statistics another.
import { tf, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import { sizeOf } from '../native/types.js';

/** A named piece of a flat vector: `offset` and the product of `shape` say where it lies. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  /** Whether it is the scale or the offset of a normalisation. */
  readonly isNorm?: true;
  /** Whether it is of the classifier: its last dimension is the classes. */
  readonly isHead?: true;
  /** Of position embeddings [1 1+T D], which begin with a class token's: how the T others lie in an image. */
  readonly grid?: { readonly height: number; readonly width: number };
  /** Of a network that counts its layers: how far from the output it is, 0 in the classifier. */
  readonly fromOutput?: number;
}

/** What a piece is, besides its place and shape. */
export type TensorKind = Omit<TensorSpec, 'name' | 'shape' | 'offset'>;

/** The pieces of one vector, end to end in the order they were added. */
export class Layout {
  readonly tensors: TensorSpec[] = [];
  #size = 0;

  /** Length of the whole vector. */
  get size(): number {
    return this.#size;
  }

  /** Adds a piece at the end; returns its index. */
  add(name: string, shape: readonly number[], kind: TensorKind = {}): number {
    this.tensors.push({ name, shape, offset: this.#size, ...kind });
    this.#size += sizeOf(shape);
    return this.tensors.length - 1;
  }

  /** [size] -> the pieces, in their shapes. */
  cut(vector: Tensor1D): Tensor[] {
    if (this.tensors.length === 0) return [];
    const sizes = this.tensors.map(({ shape }) => sizeOf(shape));
    // tfjs has no gradient of a split into one piece.
    const pieces = sizes.length === 1 ? [vector] : tf.split(vector, sizes);
    return pieces.map((piece, i) => piece.reshape([...(this.tensors[i]?.shape ?? [])]));
  }
}
