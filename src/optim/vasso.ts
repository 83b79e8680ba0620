// VaSSO: SAM that climbs along a moving average of the gradients.
//
// Li and Giannakis, "Enhancing Sharpness-Aware Optimization Through Variance Suppression" (NeurIPS 2023,
// arXiv 2309.15639), as their code has it: m = g at first, then m = (1 - theta) m + theta g. F-SAM takes
// such an average out of the climb, VaSSO climbs along it.
import type { Climber } from './climb.js';
import { EMA, emaScalars, followingAverage, newAverage } from './ema.js';
import type { Rule } from './rule.js';

export interface VassoOptions {
  /** Share of the new gradient in the moving average. */
  readonly theta: number;
}

export const vasso = ({ theta }: VassoOptions, { climb }: Climber): Rule => ({
  state: [EMA],
  scalars: (step) => {
    const share = step === 0 ? 1 : theta;
    return emaScalars(1 - share, share);
  },
  choose: (gradientAt, w, state, scalars) => {
    const first = gradientAt(w);
    const m = newAverage(state, first.gradient, scalars);
    const perturbed = climb(gradientAt, w, m, scalars);
    return { gradient: perturbed.pass.gradient, first, perturbed };
  },
  follow: followingAverage,
});
