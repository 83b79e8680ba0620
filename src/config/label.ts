// What to call a configuration among others: which keys count for it, and words for their values.

/** Optimizers that climb, and those of them with an EMA of gradients. */
const CLIMBING: readonly unknown[] = ['sam', 'asam', 'fsam', 'fasam'];
const WITH_EMA: readonly unknown[] = ['fsam', 'fasam'];

/** Which optimizers read a key, where not all do. */
const READ_BY = new Map<string, readonly unknown[]>([
  ...['rho', 'adaptive', 'base'].map((key) => [`optimizer.${key}`, CLIMBING] as const),
  ...['sigma', 'lambda', 'emaOrder'].map((key) => [`optimizer.${key}`, WITH_EMA] as const),
]);
const OF_NOISE = ['labelNoise.kind', 'labelNoise.exclusive', 'labelNoise.seed'];

/**
 * Whether the key has a say in a run, by the values of other keys: rho has none under sgd.
 *
 * @param valueOf the value of another key; undefined where it is left to its default.
 */
export function countsFor(key: string, valueOf: (key: string) => unknown): boolean {
  if (OF_NOISE.includes(key)) return (valueOf('labelNoise.rate') ?? 0) !== 0;
  return READ_BY.get(key)?.includes(valueOf('optimizer.name')) ?? true;
}

/** Keys whose last part would mislead. */
const WORDS: Readonly<Record<string, string>> = { 'labelNoise.rate': 'noise' };

/**
 * `fsam`, `rho0.1`, `width16`: a word speaks for itself, a number needs its key; with its section
 * where two of `keys` end alike.
 */
export function keyWord(key: string, value: unknown, keys: Iterable<string>): string {
  if (typeof value === 'string') return asName(value);
  const last = key.split('.').at(-1);
  const alike = [...keys].some((other) => other !== key && other.split('.').at(-1) === last);
  return `${WORDS[key] ?? asName(alike ? key : last)}${asName(value)}`;
}

/** As a file system, a shell and Slurm take it. */
export const asName = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^A-Za-z0-9._+-]+/g, '_');
