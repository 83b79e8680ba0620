// SAM-full and SAM-noise: the two parts of the gradient of a batch, each climbed along alone.
//
// Li et al., "Friendly Sharpness-Aware Minimization" (CVPR 2024, arXiv 2403.12350), figure 1; their code of
// it is not released. With g the gradient of the batch and f the full gradient, both at w:
//     sam-full                 d = f
//     sam-noise, exact         d = g - (g.f / f.f) f
//     sam-noise, constant      d = g - sigma f
// f comes from outside, as state that the step reads (src/session/full-gradient.ts).
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import { required } from '../util/errors.js';
import type { Climber } from './climb.js';
import type { Rule, Vectors } from './rule.js';
import { norm, scaled, without } from './vector.js';

/** Its name in the state. */
export const FULL_GRADIENT = 'fullGradient';

/** A direction shorter than this share of |g| is what rounding left of one that is 0. */
const NOTHING = 1e-5;

export interface NoiseOptions {
  readonly projection: 'exact' | 'constant';
  /** How much of f is taken out with `constant`. */
  readonly sigma: number;
}

const fullOf = (state: Vectors): Tensor1D => required(state[FULL_GRADIENT], FULL_GRADIENT);

export const samFull = (_options: object, { climb }: Climber): Rule => ({
  state: [FULL_GRADIENT],
  scalars: () => ({}),
  choose: (gradientAt, w, state, scalars) => {
    const first = gradientAt(w);
    const perturbed = climb(gradientAt, w, fullOf(state), scalars);
    return { gradient: perturbed.pass.gradient, first, perturbed };
  },
});

/** A batch without noise, such as the whole set, does not climb. */
export const samNoise = ({ projection, sigma }: NoiseOptions, { climb }: Climber): Rule => ({
  state: [FULL_GRADIENT],
  scalars: () => ({}),
  choose: (gradientAt, w, state, scalars) => {
    const first = gradientAt(w);
    const [g, f] = [first.gradient, fullOf(state)];
    const rest = projection === 'exact' ? without(g, f) : tf.sub<Tensor1D>(g, scaled(f, sigma));
    const isNoise = tf.greater(norm(rest), tf.mul(norm(g), NOTHING));
    const d = scaled(rest, tf.cast<Scalar>(isNoise as Scalar, 'float32'));
    const perturbed = climb(gradientAt, w, d, scalars);
    return { gradient: perturbed.pass.gradient, first, perturbed };
  },
});
