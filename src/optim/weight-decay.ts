// Which parameters weight decay acts on: all of them, or those of two or more dimensions.
//
// The F-SAM authors' code decays everything. Others leave biases and normalisations out (He et al.,
// "Bag of Tricks for Image Classification with Convolutional Neural Networks", arXiv 1812.01187). Here
// the number of dimensions decides, as in nanoGPT: a transformer's class token and positions, which
// have three, are decayed.
import type { OptimizerConfig } from '../catalogue/schema.js';
import type { TensorSpec } from '../nn/layout.js';
import { selection, type Choose } from './selection.js';

/** Chooses what is decayed where weight decay acts on the parameter. */
export const whereDecayed = (
  { decayed, weightDecay }: Pick<OptimizerConfig, 'decayed' | 'weightDecay'>,
  parameters: readonly TensorSpec[],
): Choose =>
  selection(parameters, ({ shape }) => decayed === 'all' || weightDecay === 0 || shape.length > 1);
