// VaSSO: SAM that climbs along a moving average of the gradients.
//
// Li and Giannakis, "Enhancing Sharpness-Aware Optimization Through Variance Suppression" (NeurIPS 2023,
// arXiv 2309.15639), as their code has it: m = g at first, then m = (1 - theta) m + theta g. F-SAM takes
// such an average out of the climb, VaSSO climbs along it.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Climber } from './climb.js';
import type { Rule } from './rule.js';
import { scaled } from './vector.js';

export interface VassoOptions {
  /** Share of the new gradient in the moving average. */
  readonly theta: number;
}

export const vasso = ({ theta }: VassoOptions, { climb }: Climber): Rule => ({
  state: ['ema'],
  scalars: (step) => {
    const share = step === 0 ? 1 : theta;
    return { emaDecay: 1 - share, emaShare: share };
  },
  choose: (gradientAt, w, state, scalars) => {
    const { emaDecay, emaShare } = scalars;
    const first = gradientAt(w);
    const m = tf.add<Tensor1D>(
      scaled(required(state['ema'], 'ema'), required(emaDecay, 'emaDecay')),
      scaled(first.gradient, required(emaShare, 'emaShare')),
    );
    const up = climb(m, w, scalars);
    const pass = gradientAt(tf.add(w, up.perturbation));
    return { gradient: pass.gradient, state: { ema: m }, first, perturbed: { pass, ...up } };
  },
});
