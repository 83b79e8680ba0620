// Which parameters weight decay acts on: all of them, or those of two or more dimensions.
//
// The F-SAM authors' code decays everything. Others leave biases and normalisations out (He et al.,
// "Bag of Tricks for Image Classification with Convolutional Neural Networks", arXiv 1812.01187). Here
// the number of dimensions decides, as in nanoGPT: a transformer's class token and positions, which
// have three, are decayed.
import type { OptimizerConfig } from '../catalogue/schema.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { sizeOf } from '../native/types.js';
import type { TensorSpec } from '../nn/layout.js';
import { required } from '../util/errors.js';

/**
 * Number by number `decayed`, where weight decay acts on the parameter, and `plain` elsewhere. Both
 * are there already: choosing computes neither.
 */
export type WhereDecayed = (decayed: Tensor1D, plain: Tensor1D) => Tensor1D;

/** `parameters`: the tensors that the vectors [P] are cut into. */
export function whereDecayed(
  { decayed: which, weightDecay }: Pick<OptimizerConfig, 'decayed' | 'weightDecay'>,
  parameters: readonly TensorSpec[],
): WhereDecayed {
  const runs = runsOf(parameters);
  const all = runs.every(({ isMatrix }) => isMatrix);
  if (which === 'all' || weightDecay === 0 || all) return (decayed) => decayed;
  // A mask [P] would be a constant of the graph as large as the network.
  const sizes = runs.map(({ size }) => size);
  return (decayed, plain) => {
    const split = (x: Tensor1D) => tf.split<Tensor1D>(x, sizes);
    const [matrices, others] = [split(decayed), split(plain)];
    const pieces = runs.map(({ isMatrix }, i) => (isMatrix ? matrices : others)[i]);
    return tf.concat(pieces.map((piece) => required(piece, 'a piece')));
  };
}

interface Run {
  readonly size: number;
  readonly isMatrix: boolean;
}

/** Neighbours of one kind as one piece. */
function runsOf(parameters: readonly TensorSpec[]): readonly Run[] {
  const runs: Run[] = [];
  for (const { shape } of parameters) {
    const isMatrix = shape.length > 1;
    const last = runs.at(-1);
    const before = last?.isMatrix === isMatrix ? runs.pop() : undefined;
    runs.push({ size: (before?.size ?? 0) + sizeOf(shape), isMatrix });
  }
  return runs;
}
