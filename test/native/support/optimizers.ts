// Optimizer configurations of the tests, complete.
import type { z } from 'zod';
import { optimizerSchema, type OptimizerConfig } from '../../../src/catalogue/schema.js';

/** The optimizer with these keys; the others take their defaults. */
export const optimizerConfig = (keys: z.input<typeof optimizerSchema>): OptimizerConfig =>
  optimizerSchema.parse(keys);

/** Every name over every base that it can have. */
export const everyOptimizer: readonly OptimizerConfig[] = [
  optimizerConfig({ name: 'sgd' }),
  optimizerConfig({ name: 'adamw' }),
  ...(['sam', 'asam', 'fsam', 'fasam'] as const).flatMap((name) =>
    (['sgd', 'adamw'] as const).map((base) => optimizerConfig({ name, base })),
  ),
];

/** `fsam over adamw, emaOrder paper`: a configuration in a test's name. */
export function describeOptimizer(config: OptimizerConfig): string {
  const { name, base, adaptive, emaOrder, nesterov, clipNorm } = config;
  return [
    name === 'sgd' || name === 'adamw' ? name : `${name} over ${base}`,
    ...(adaptive ? ['adaptive'] : []),
    ...(emaOrder === 'paper' ? ['emaOrder paper'] : []),
    ...(nesterov ? ['nesterov'] : []),
    ...(clipNorm === null ? [] : [`clipNorm ${clipNorm}`]),
  ].join(', ');
}
