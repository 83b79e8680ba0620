// The compiled engine against the same step run op by op: three steps of every optimizer, within 1e-5.
import { test } from 'vitest';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import { expectNoDifferences } from './support/compare.js';
import { tinyConfig, tracedFromEager } from './support/engine.js';
import { describeOptimizer, everyOptimizer, optimizerConfig } from './support/optimizers.js';

const TOLERANCE = 1e-5;
/**
 * A small rate, a short climb, and images of 32 pixels, so that BatchNorm's last statistics are of 128 values. With a 1x1 last
 * stage, a rate of 0.05 and rho 0.2 rounding errors grow to 1e-2 in three steps.
 */
const [RATE, RHO, SIZE] = [0.01, 0.05, 32];
const optimizers: readonly OptimizerConfig[] = [
  ...everyOptimizer,
  optimizerConfig({ name: 'sgd', nesterov: true }),
  optimizerConfig({ name: 'sgd', clipNorm: 0.5 }),
  optimizerConfig({ name: 'sam', adaptive: true }),
  optimizerConfig({ name: 'fsam', adaptive: true }),
  optimizerConfig({ name: 'fsam', emaOrder: 'paper' }),
  optimizerConfig({ name: 'fasam', base: 'adamw', emaOrder: 'paper', clipNorm: 0.5 }),
].map((optimizer) => ({ ...optimizer, rho: RHO }));

test.each(optimizers.map((optimizer) => [describeOptimizer(optimizer), optimizer] as const))(
  '%s',
  (_, optimizer) => {
    const overAdamw = optimizer.name === 'adamw' || optimizer.base === 'adamw';
    expectNoDifferences((seed) => {
      const config = tinyConfig({ optimizer, seed, size: SIZE, train: 16 });
      return tracedFromEager(config, overAdamw ? RATE / 10 : RATE, TOLERANCE);
    });
  },
);
