// The mean of independent estimates, and how far it is to be trusted.

export interface Mean {
  readonly mean: number;
  /** Of one estimate, with n - 1; null of fewer than two. */
  readonly std: number | null;
  /** Of the mean: std / sqrt(n). */
  readonly stderr: number | null;
  readonly count: number;
}

export function meanOf(values: readonly number[]): Mean {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { mean, std: null, stderr: null, count };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const std = Math.sqrt(squares / (count - 1));
  return { mean, std, stderr: std / Math.sqrt(count), count };
}
