// What to call a configuration among others: which keys count for it, and words for their values.

/** Of the sam family: keys that only climbing optimizers read, and only those with an EMA. */
const CLIMBING: readonly unknown[] = ['sam', 'asam', 'fsam', 'fasam'];
const WITH_EMA: readonly unknown[] = ['fsam', 'fasam'];
const READ_BY = new Map<string, readonly unknown[]>([
  ...['rho', 'adaptive', 'base'].map((key) => [`optimizer.${key}`, CLIMBING] as const),
  ...['sigma', 'lambda', 'emaOrder'].map((key) => [`optimizer.${key}`, WITH_EMA] as const),
]);

/** Whether the optimizer of this name reads the key; keys that are not an optimizer's always count. */
export function countsFor(optimizer: unknown, key: string): boolean {
  return READ_BY.get(key)?.includes(optimizer) ?? true;
}

/** Keys whose last part would say nothing, or too little. */
const WORDS: Readonly<Record<string, string>> = {
  name: '',
  variant: '',
  base: '',
  'optimizer.name': '',
  'model.name': '',
  'optimizer.base': '',
  'labelNoise.rate': 'noise',
};

/** `fsam`, `rho0.1`, `width16`; with its section where two of `keys` end alike. */
export function keyWord(key: string, value: unknown, keys: Iterable<string>): string {
  const last = key.split('.').at(-1);
  const alike = [...keys].some((other) => other !== key && other.split('.').at(-1) === last);
  return `${WORDS[key] ?? asName(alike ? key : last)}${asName(value)}`;
}

/** As a file system, a shell and Slurm take it. */
export const asName = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).replace(/[^A-Za-z0-9._+-]+/g, '_');
