// A token, drawn by the logits that a network gives.
import type { RandomStream } from '../util/random.js';

export interface DrawOptions {
  /** What logits are divided by; 0 takes the first of the likeliest. */
  readonly temperature: number;
  /** How many of the likeliest are drawn among, and those as likely as the last of them; left out: all. */
  readonly top?: number | undefined;
}

/** A token from 0 to V - 1, by softmax(logits [V] / temperature). */
export function drawToken(
  logits: ArrayLike<number>,
  { temperature, top = logits.length }: DrawOptions,
  random: Pick<RandomStream, 'uniform'>,
): number {
  const all = Array.from(logits);
  const sorted = [...all].sort((a, b) => b - a);
  const largest = sorted[0] ?? 0;
  if (temperature === 0) return all.indexOf(largest);
  const least = sorted[Math.min(top, all.length) - 1] ?? -Infinity;
  const weights = all.map((logit) =>
    logit < least ? 0 : Math.exp((logit - largest) / temperature),
  );
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0);
  const drawn = weights.findIndex((weight) => (left -= weight) < 0);
  // Rounding may leave nothing to the last of them.
  return drawn >= 0 ? drawn : weights.findLastIndex((weight) => weight > 0);
}
