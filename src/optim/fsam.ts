// F-SAM: SAM that climbs along the batch-specific part of the gradient only.
//
// Li et al., "Friendly Sharpness-Aware Minimization" (CVPR 2024, arXiv 2403.12350). The full
// gradient is estimated by an exponential moving average m of the mini-batch gradients and taken
// out of the direction to climb:
//     d = g(w) - sigma m        eps = rho d / |d|        descend along g(w + eps)
// Two orders are about. `code`, the authors' released program and our default: the OLD m is
// subtracted, and the very first step sets m to g (and is a plain SAM step, m being 0 until then).
// `paper`, as printed: m is updated first, from 0, and the NEW m is subtracted. For sigma = 1 both
// give the same normalised direction once the start is forgotten.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { Climber } from './climb.js';
import { EMA, emaScalars, followingAverage, newAverage, oldAverage } from './ema.js';
import type { Rule } from './rule.js';
import { scaled } from './vector.js';

export interface FsamOptions {
  /** How much of m is taken out of the gradient. */
  readonly sigma: number;
  /** Decay of the moving average. */
  readonly lambda: number;
  readonly emaOrder: 'code' | 'paper';
}

export function fsam({ sigma, lambda, emaOrder }: FsamOptions, { climb }: Climber): Rule {
  return {
    state: [EMA],
    // A decay of 0 in the first step makes m the gradient itself.
    scalars: (step) => {
      const decay = emaOrder === 'code' && step === 0 ? 0 : lambda;
      return emaScalars(decay, 1 - decay);
    },
    choose: (gradientAt, w, state, scalars) => {
      const first = gradientAt(w);
      const g = first.gradient;
      const m = emaOrder === 'code' ? oldAverage(state) : newAverage(state, g, scalars);
      const d = tf.sub<Tensor1D>(g, scaled(m, sigma));
      const perturbed = climb(gradientAt, w, d, scalars);
      return { gradient: perturbed.pass.gradient, first, perturbed };
    },
    follow: followingAverage,
  };
}
