// SAM: descend along the gradient taken at the worst point nearby.
//
// Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization" (arXiv
// 2010.01412); adaptive: Kwon et al., "ASAM" (arXiv 2102.11600), in the form of the F-SAM authors'
// code, which perturbs BatchNorm and biases, too.
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import type { Rule } from './rule.js';
import { norm, scaled } from './vector.js';

/** Keeps 0 / 0 away; the authors' value. */
const TINY = 1e-12;

/**
 * eps [P]: rho along d. Adaptive: rho along w^2 d, measured where each weight's distance is
 * relative to its size: eps = rho w^2 d / | |w| d |.
 */
export function climb(d: Tensor1D, w: Tensor1D, rho: number, adaptive: boolean): Tensor1D {
  if (!adaptive) return scaled(d, tf.div<Scalar>(tf.scalar(rho), tf.add(norm(d), TINY)));
  const relative = tf.mul<Tensor1D>(tf.abs(w), d);
  const along = tf.mul<Tensor1D>(tf.square(w), d);
  return scaled(along, tf.div<Scalar>(tf.scalar(rho), tf.add(norm(relative), TINY)));
}

export interface SamOptions {
  /** Length of the perturbation. */
  readonly rho: number;
  readonly adaptive: boolean;
}

export function sam({ rho, adaptive }: SamOptions): Rule {
  return {
    state: [],
    scalars: () => ({}),
    choose: (gradientAt, w) => {
      const first = gradientAt(w);
      const d = first.gradient;
      const pass = gradientAt(tf.add(w, climb(d, w, rho, adaptive)));
      return { gradient: pass.gradient, state: {}, first, perturbed: { pass, direction: d } };
    },
  };
}
