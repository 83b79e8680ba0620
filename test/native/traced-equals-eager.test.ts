// The compiled engine against the same step run op by op: three steps of every optimizer, within 1e-5.
import { expect, test } from 'vitest';
import type { OptimizerConfig } from '../../src/config/schema.js';
import { required } from '../../src/util/errors.js';
import { distance, expectNoDifferences } from './support/compare.js';
import { batchOf, tinyConfig, tinyEngine } from './support/engine.js';
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
    expectNoDifferences((seed) => differencesUnder(optimizer, seed));
  },
);

/** What of three steps differs, traced from eager: each measure of each step, each state after the last. */
function differencesUnder(optimizer: OptimizerConfig, seed: number): string[] {
  const config = tinyConfig({ optimizer, seed, size: SIZE, train: 16 });
  const [traced, eager] = [tinyEngine(config, 'compiled'), tinyEngine(config, 'eager')];
  const found: string[] = [];
  const compare = (what: string, got: ArrayLike<number>, wanted: ArrayLike<number>) => {
    const apart = distance(got, wanted);
    if (!(apart < TOLERANCE)) found.push(`${what}: relative distance ${apart}`);
  };
  const overAdamw = optimizer.name === 'adamw' || optimizer.base === 'adamw';
  for (let step = 0; step < 3; step++) {
    const batch = [step, batchOf(config, step), overAdamw ? RATE / 10 : RATE] as const;
    const [got, wanted] = [traced.trainStep(...batch), eager.trainStep(...batch)];
    for (const [name, value] of Object.entries(wanted) as [keyof typeof wanted, number][]) {
      if (Number.isNaN(value)) expect(got[name]).toBeNaN();
      else compare(`${name} of step ${step}`, [got[name]], [value]);
    }
  }
  const wanted = eager.readState();
  for (const [name, values] of traced.readState()) {
    compare(name, values, required(wanted.get(name), name));
  }
  traced.dispose();
  eager.dispose();
  return found;
}
