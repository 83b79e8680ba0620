// The edge of stability: the largest curvature at which a step with a fixed learning rate does not overshoot.
//
// Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability" (arXiv 2103.00065); with
// SAM: Long and Bartlett, "Sharpness-Aware Minimization and the Edge of Stability" (arXiv 2309.12488).

/** How a gradient is applied. */
export interface Momentum {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/**
 * The largest rate x eigenvalue c at which steps along an eigenvector do not grow: where the recurrence of the
 * steps has -1 as a root. 2 for plain gradient descent, 2 + 2 beta with momentum beta, and (2 + 2 beta)/(1 + 2 beta)
 * with Nesterov's.
 */
const largestStep = ({ momentum: beta, nesterov }: Momentum): number =>
  (2 + 2 * beta) / (nesterov ? 1 + 2 * beta : 1);

const PLAIN: Momentum = { momentum: 0, nesterov: false };

/**
 * Along an eigenvector of eigenvalue lambda, SAM's gradient at w + rho g/|g| is (1 + rho lambda/|g|) g, as the
 * gradient changes by lambda times the climb. The step overshoots by as much as it was away where
 *
 *     rate lambda (1 + rho lambda/|g|) = c,
 *
 * a quadratic equation of lambda whose positive root is
 * (|g|/(2 rho)) (sqrt(1 + x) - 1), x = 4 c rho/(rate |g|). It is written here with the difference of roots
 * multiplied out, which holds for rho = 0, too: c/rate, gradient descent's.
 */
export function stabilityEdge(
  rate: number,
  rho: number,
  gradientNorm: number,
  momentum: Momentum = PLAIN,
): number {
  const c = largestStep(momentum);
  if (rho === 0) return c / rate;
  const x = (4 * c * rho) / (rate * gradientNorm);
  return (2 * c) / (rate * (1 + Math.sqrt(1 + x)));
}
