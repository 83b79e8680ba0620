// MSAM: one gradient a step, at w moved along the momentum vector instead of the gradient.
//
// Becker et al., "Momentum-SAM: Sharpness Aware Minimization without Computational Overhead" (arXiv
// 2401.12033), as their code has it: w - rho v / |v|, the way that the step will go; weight decay is
// taken there, too. What is kept, evaluated and saved is w.
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Rule } from './rule.js';
import { norm, scaled } from './vector.js';

export interface MsamOptions {
  readonly rho: number;
}

export const msam = ({ rho }: MsamOptions): Rule => ({
  state: [],
  scalars: () => ({}),
  choose: (gradientAt, w, state) => {
    const v = required(state['momentum'], 'momentum');
    // No momentum yet, no move.
    const moved = tf.sub<Tensor1D>(w, scaled(v, tf.divNoNan<Scalar>(tf.scalar(rho), norm(v))));
    const first = gradientAt(moved);
    return { gradient: first.gradient, decayAt: moved, first };
  },
});
