// Six steps of SAM's relatives against their authors' rules in float64, through the engine's own training function.
import { describe, test } from 'vitest';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import { required } from '../../src/util/errors.js';
import { goldenFamily } from './support/golden.js';
import { expectRun } from './support/golden-run.js';
import { optimizerConfig } from './support/optimizers.js';

const common = { base: 'sgd', momentum: 0.9, weightDecay: 1e-3, rho: 0.2 } as const;
const CONFIGS: Readonly<Record<string, OptimizerConfig>> = {
  sam: optimizerConfig({ name: 'sam', ...common }),
  fsam: optimizerConfig({ name: 'fsam', ...common, sigma: 1, lambda: 0.6 }),
  'sam-full': optimizerConfig({ name: 'sam-full', ...common }),
  'sam-full-every-2': optimizerConfig({ name: 'sam-full', ...common, fullGradient: { every: 2 } }),
  'sam-full-evaluation-bn': optimizerConfig({
    ...{ name: 'sam-full', ...common },
    fullGradient: { batchNorm: 'running' },
  }),
  'sam-noise-exact': optimizerConfig({ name: 'sam-noise', ...common }),
  'sam-noise-sigma-1': optimizerConfig({
    ...{ name: 'sam-noise', ...common },
    ...({ projection: 'constant', sigma: 1 } as const),
  }),
  'sam-noise-sigma-0.5': optimizerConfig({
    ...{ name: 'sam-noise', ...common },
    ...({ projection: 'constant', sigma: 0.5 } as const),
  }),
  'vasso-theta-0.4': optimizerConfig({ name: 'vasso', ...common, theta: 0.4 }),
  'vasso-theta-0.9': optimizerConfig({ name: 'vasso', ...common, theta: 0.9 }),
  gsam: optimizerConfig({ name: 'gsam', ...common, alpha: 0.4 }),
  'gsam-rho-schedule': optimizerConfig({
    ...{ name: 'gsam', ...common, alpha: 0.4 },
    ...({ rhoSchedule: 'rate', rhoMin: 0.05 } as const),
  }),
  'gsam-adaptive': optimizerConfig({ name: 'agsam', ...common, rho: 0.5, alpha: 0.4 }),
  'gsam-minimize-f': optimizerConfig({ name: 'gsam', ...common, alpha: 0.4, minimize: 'plain' }),
  looksam: optimizerConfig({ name: 'looksam', ...common, every: 3, alpha: 0.7 }),
  msam: optimizerConfig({ name: 'msam', ...common, rho: 0.5 }),
  'sam-on': optimizerConfig({ name: 'sam', ...common, perturb: 'norms' }),
  'sam-no-norm': optimizerConfig({ name: 'sam', ...common, perturb: 'no-norms' }),
  'asam-on': optimizerConfig({ name: 'asam', ...common, rho: 0.5, perturb: 'norms' }),
};

/** A rounding error grows two- or threefold a step, as in golden-optimizers.test.ts. */
const allowed = (t: number) => (t === 0 ? { loss: 3e-7, norm: 2e-5 } : { loss: 5e-4, norm: 2e-2 });

describe.each(goldenFamily().filter(({ kind }) => kind in CONFIGS))('$kind', (run) => {
  test.each(['eager', 'traced'] as const)('six steps as in PyTorch, %s', (how) => {
    expectRun(how, required(CONFIGS[run.kind], run.kind), run, allowed);
  });
});
