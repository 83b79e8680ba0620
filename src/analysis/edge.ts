// The edge of stability: the largest curvature at which a step with a fixed learning rate does not overshoot.
//
// Cohen et al., "Gradient Descent on Neural Networks Typically Occurs at the Edge of Stability" (arXiv 2103.00065); with
// SAM: Long and Bartlett, "Sharpness-Aware Minimization and the Edge of Stability" (arXiv 2309.12488).

/**
 * Along an eigenvector of eigenvalue lambda, SAM's gradient at w + rho g/|g| is (1 + rho lambda/|g|) g, as the
 * gradient changes by lambda times the climb. The step overshoots by as much as it was away where
 *
 *     rate lambda (1 + rho lambda/|g|) = 2,
 *
 * a quadratic equation of lambda whose positive root is
 * (|g|/(2 rho)) (sqrt(1 + x) - 1), x = 8 rho/(rate |g|). It is written here with the difference of roots
 * multiplied out, which holds for rho = 0, too: 2/rate, gradient descent's.
 */
export function stabilityEdge(rate: number, rho: number, gradientNorm: number): number {
  if (rho === 0) return 2 / rate;
  const x = (8 * rho) / (rate * gradientNorm);
  return 4 / (rate * (1 + Math.sqrt(1 + x)));
}
