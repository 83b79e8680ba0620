// Tensors of which the number of dimensions is not known to the compiler, narrowed with a look at it.
import { InternalError } from '../util/errors.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D } from './tensorflow.js';

/** Tensors by their number of dimensions. */
export interface ByRank {
  1: Tensor1D;
  2: Tensor2D;
  3: Tensor3D;
  4: Tensor4D;
}

/** `x` itself. Errors: InternalError where it has another number of dimensions. */
export function ofRank<R extends keyof ByRank>(x: Tensor, rank: R, what: string): ByRank[R] {
  if (x.shape.length !== rank) {
    throw new InternalError(`${what} has the shape [${x.shape.join(' ')}], wanted rank ${rank}`);
  }
  return x as ByRank[R];
}
