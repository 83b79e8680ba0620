// What tasks descend that tell one of K things.
import { crossEntropy, sparseCrossEntropy } from '../native/kernels.js';
import { oneHot } from '../native/one-hot.js';
import { tf, type Scalar, type Tensor1D, type Tensor2D } from '../native/tensorflow.js';

/**
 * Cross-entropy of logits [N K], mean over N, against labels [N] of which a share is spread over all K.
 */
export function lossOf(logits: Tensor2D, labels: Tensor1D, smoothing: number): Scalar {
  if (smoothing === 0) return tf.mean(sparseCrossEntropy(logits, labels));
  const classes = logits.shape[1];
  const even = smoothing / classes;
  const targets = oneHot(labels, classes, 1 - smoothing + even, even);
  return tf.mean(crossEntropy(logits, targets));
}
