// SAM: descend along the gradient taken at the worst point nearby.
//
// Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization" (arXiv
// 2010.01412).
import type { Climber } from './climb.js';
import type { Rule } from './rule.js';

export const sam = (_options: object, { climb }: Climber): Rule => ({
  state: [],
  scalars: () => ({}),
  choose: (gradientAt, w, _state, scalars) => {
    const first = gradientAt(w);
    const perturbed = climb(gradientAt, w, first.gradient, scalars);
    return { gradient: perturbed.pass.gradient, first, perturbed };
  },
});
