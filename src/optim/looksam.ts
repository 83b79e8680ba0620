// LookSAM: SAM every few steps, and the part of its gradient that differs from the plain one reused in
// between, at the cost of one gradient.
//
// Liu et al., "Towards Efficient and Scalable Sharpness-Aware Minimization" (CVPR 2022, arXiv
// 2203.02714), Algorithm 1, with norms over all parameters. With g the gradient at w and p the one at
// w + eps, every k-th step keeps v = p - (p.g / g.g) g and descends along p; the others descend along
// g + alpha |g| v / |v|.
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Climber } from './climb.js';
import type { Rule } from './rule.js';
import { norm, scaled, without } from './vector.js';

export interface LooksamOptions {
  /** Steps from one climb to the next: k. */
  readonly every: number;
  readonly alpha: number;
}

const [LOOK, BETWEEN] = ['look', 'between'];
const ORTHOGONAL = 'orthogonal';

export const looksam = ({ every, alpha }: LooksamOptions, { climb }: Climber): Rule => ({
  state: [ORTHOGONAL],
  scalars: () => ({}),
  kinds: {
    byName: {
      [LOOK]: { climbs: true, overwrites: [ORTHOGONAL] },
      ...(every > 1 && { [BETWEEN]: { climbs: false } }),
    },
    at: (step) => (step % every === 0 ? LOOK : BETWEEN),
  },
  choose: (gradientAt, w, state, scalars, kind) => {
    const first = gradientAt(w);
    const g = first.gradient;
    if (kind === BETWEEN) {
      const v = required(state[ORTHOGONAL], ORTHOGONAL);
      const length = tf.divNoNan<Scalar>(norm(g), norm(v));
      const gradient = tf.add<Tensor1D>(g, scaled(scaled(v, length), alpha));
      return { gradient, first };
    }
    const perturbed = climb(gradientAt, w, g, scalars);
    const { gradient } = perturbed.pass;
    const v = without(gradient, g);
    return { gradient, state: { [ORTHOGONAL]: v }, first, perturbed };
  },
});
