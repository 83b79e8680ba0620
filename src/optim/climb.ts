// The climb to w + eps: along which direction, how far, and which parameters take part.
//
// Foret et al., "Sharpness-Aware Minimization for Efficiently Improving Generalization" (arXiv
// 2010.01412); adaptive: Kwon et al., "ASAM" (arXiv 2102.11600), in the form of the F-SAM authors'
// code, which perturbs BatchNorm and biases, too. Only the normalisations, or all but them: Mueller et
// al., "Normalization Layers Are All That Sharpness-Aware Minimization Needs" (arXiv 2306.04226).
import { climbsAdaptively } from '../catalogue/optimizers.js';
import type { OptimizerConfig } from '../catalogue/schema.js';
import { tf, type Scalar, type Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import { required, UserError } from '../util/errors.js';
import type { AnyPass, GradientAt, Perturbed, Scalars } from './rule.js';
import { selection } from './selection.js';
import { norm, scaled } from './vector.js';

/** The number that a climb may be fed. */
export const CLIMB_LENGTH = 'rho';

/** Keeps 0 / 0 away; the authors' value. */
const TINY = 1e-12;

export interface Climber {
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  /** From w [P] along d [P], and the pass up there. */
  readonly climb: <P extends AnyPass>(
    gradientAt: GradientAt<P>,
    w: Tensor1D,
    d: Tensor1D,
    scalars: Scalars,
  ) => Perturbed<P>;
}

type ClimbConfig = Pick<
  OptimizerConfig,
  'name' | 'rho' | 'adaptive' | 'perturb' | 'rhoSchedule' | 'rhoMin'
>;

/**
 * @param parameters the tensors that w [P] is cut into
 * @param largestRate the learning rate that the schedule begins with
 *
 * Errors: UserError where none of them is to climb.
 */
export function createClimber(
  { rho, perturb, rhoSchedule, rhoMin, ...config }: ClimbConfig,
  parameters: readonly TensorSpec[],
  largestRate: number,
): Climber {
  if (perturb === 'norms' && parameters.length > 0 && !parameters.some(({ isNorm }) => isNorm)) {
    throw new UserError(
      'optimizer.perturb: got norms for a network without normalisations, wanted all or no-norms',
    );
  }
  const choose = selection(
    parameters,
    ({ isNorm = false }) => perturb === 'all' || isNorm === (perturb === 'norms'),
  );
  const length = (step: number, learningRate: number): number => {
    switch (rhoSchedule) {
      case 'constant':
        return rho;
      case 'rate':
        return rhoMin + ((rho - rhoMin) * learningRate) / largestRate;
      case 'inverse-sqrt':
        return rho / Math.sqrt(step + 1);
      default:
        return rhoSchedule satisfies never;
    }
  };
  const adaptive = climbsAdaptively(config);
  const isConstant = rhoSchedule === 'constant';
  return {
    scalars: (step, learningRate) =>
      isConstant ? {} : { [CLIMB_LENGTH]: length(step, learningRate) },
    climb: (gradientAt, w, d, scalars) => {
      const direction = perturb === 'all' ? d : choose(d, scaled(d, 0));
      const far = isConstant ? tf.scalar(rho) : required(scalars[CLIMB_LENGTH], CLIMB_LENGTH);
      const eps = perturbationAlong(direction, w, far, adaptive);
      return { pass: gradientAt(tf.add(w, eps)), direction, perturbation: eps };
    },
  };
}

/**
 * eps [P]: rho along d. Adaptive: rho along w^2 d, measured where each weight's distance is
 * relative to its size: eps = rho w^2 d / | |w| d |.
 */
function perturbationAlong(d: Tensor1D, w: Tensor1D, rho: Scalar, adaptive: boolean): Tensor1D {
  if (!adaptive) return scaled(d, tf.div<Scalar>(rho, tf.add(norm(d), TINY)));
  const relative = tf.mul<Tensor1D>(tf.abs(w), d);
  const along = tf.mul<Tensor1D>(tf.square(w), d);
  return scaled(along, tf.div<Scalar>(rho, tf.add(norm(relative), TINY)));
}
