// Tensors to convolve.
import { tf, type Tensor4D } from '../../../src/native/tensorflow.js';
import { randomStream } from '../../../src/util/random.js';

/** Draws tensors of normal numbers, always the same ones from a seed. */
export function normalTensors(seed: number) {
  const stream = randomStream(seed, 'synthetic');
  return (...shape: [number, number, number, number]): Tensor4D =>
    tf.tensor4d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal()),
      shape,
    );
}
