// Optimizer configurations of the tests, complete.
import type { z } from 'zod';
import { DESCENTS } from '../../../src/catalogue/descents.js';
import { OPTIMIZER_TITLES, OPTIMIZERS } from '../../../src/catalogue/optimizers.js';
import type { TensorSpec } from '../../../src/nn/layout.js';
import { createOptimizer, type Optimizer } from '../../../src/optim/optimizer.js';
import { optimizerSchema, type OptimizerConfig } from '../../../src/catalogue/schema.js';

/** The optimizer with these keys; the others take their defaults. */
export const optimizerConfig = (keys: z.input<typeof optimizerSchema>): OptimizerConfig =>
  optimizerSchema.parse(keys);

/** Over parameters of these tensors; a schedule that has one begins with the rate 0.05. */
export const optimizerOf = (
  config: OptimizerConfig,
  parameters: readonly TensorSpec[],
): Optimizer => createOptimizer(config, parameters, 0.05);

/** Every optimizer, adaptive ones included, over every base that it can have. */
export const everyOptimizer: readonly OptimizerConfig[] = OPTIMIZER_TITLES.flatMap((title) => {
  const { name, adaptive } = optimizerConfig({ name: title });
  const own: OptimizerConfig['base'] | null = OPTIMIZERS[name].descent;
  const bases = own === null ? (Object.keys(DESCENTS) as OptimizerConfig['base'][]) : [own];
  return bases.map((base) => optimizerConfig({ name, adaptive, base }));
});

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
