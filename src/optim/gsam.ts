// GSAM: SAM that narrows the gap between the loss at w + eps and that at w, too.
//
// Zhuang et al., "Surrogate Gap Minimization Improves Sharpness-Aware Training" (ICLR 2022, arXiv
// 2203.08065). With g the gradient at w and p the one at w + eps:
//     minimize: perturbed    p - alpha (g - (g.p / p.p) p)    the authors' code
//     minimize: plain        g + alpha (p - (p.g / g.g) g)    big_vision's other way round
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { Climber } from './climb.js';
import type { Rule } from './rule.js';
import { scaled, without } from './vector.js';

export interface GsamOptions {
  /** How much of the part of one gradient that is orthogonal to the other counts. */
  readonly alpha: number;
  readonly minimize: 'perturbed' | 'plain';
}

export const gsam = ({ alpha, minimize }: GsamOptions, { climb }: Climber): Rule => ({
  state: [],
  scalars: () => ({}),
  choose: (gradientAt, w, _state, scalars) => {
    const first = gradientAt(w);
    const g = first.gradient;
    const perturbed = climb(gradientAt, w, g, scalars);
    const p = perturbed.pass.gradient;
    const gradient =
      minimize === 'perturbed'
        ? tf.sub<Tensor1D>(p, scaled(without(g, p), alpha))
        : tf.add<Tensor1D>(g, scaled(without(p, g), alpha));
    return { gradient, first, perturbed };
  },
});
