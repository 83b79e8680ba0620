// Convergence: how fast the mean squared length of the full gradient falls with the steps.
//
// The figure that theorems on SAM and its kin bound is the running mean (1 / T) sum over t <= T of |f(w_t)|^2,
// with f the full gradient, for rates and radii that fall with the root of the step; such bounds fall as
// log(T) / sqrt(T).

/** A number at a step. */
export interface AtStep {
  /** From 1. */
  readonly step: number;
  readonly value: number;
}

/** The mean of the values so far, at each of their steps. */
export function runningMeans(values: readonly AtStep[]): AtStep[] {
  let sum = 0;
  return values.map(({ step, value }, i) => {
    sum += value;
    return { step, value: sum / (i + 1) };
  });
}

/** log(T) / sqrt(T) at these steps. */
export const boundShape = (points: readonly AtStep[]): AtStep[] =>
  points.map(({ step }) => ({ step, value: Math.log(step) / Math.sqrt(step) }));

export interface Slope {
  /** Of log value over log step: -1/2 where the value falls with the root of the step. */
  readonly slope: number;
  /** Where the line meets step 1: its logarithm. */
  readonly intercept: number;
}

/**
 * The least-squares line through the logarithms; null with fewer than two steps, or where a value is 0 or less.
 */
export function logLogSlope(points: readonly AtStep[]): Slope | null {
  if (points.some(({ step, value }) => !(step > 0 && value > 0))) return null;
  const x = points.map(({ step }) => Math.log(step));
  const y = points.map(({ value }) => Math.log(value));
  const [mx, my] = [mean(x), mean(y)];
  const spread = sum(x.map((one) => (one - mx) ** 2));
  if (!(spread > 0)) return null;
  const slope = sum(x.map((one, i) => (one - mx) * ((y[i] ?? my) - my))) / spread;
  return { slope, intercept: my - slope * mx };
}

/** Those from the tenth part of the last step on: the last factor of ten, in which the start is forgotten. */
export function lastDecade(points: readonly AtStep[]): AtStep[] {
  const last = points.at(-1)?.step ?? 0;
  return points.filter(({ step }) => step >= last / 10);
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
