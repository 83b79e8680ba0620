// Labels as rows of numbers.
import { tf, type Tensor1D, type Tensor2D } from './tensorflow.js';

/** `on` at the label of each row, `off` elsewhere: labels [N] (int32, 0 .. K-1) -> [N K] (float32). */
export function oneHot(labels: Tensor1D, classes: number, on = 1, off = 0): Tensor2D {
  if (classes > 1) return tf.oneHot(labels, classes, on, off, 'float32') as Tensor2D;
  // Of a single class, which tf.oneHot refuses.
  return tf.add(tf.mul(tf.cast(tf.expandDims(labels, 1), 'float32'), 0), on);
}
