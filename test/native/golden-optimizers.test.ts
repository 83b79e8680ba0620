// Ten steps of every optimizer against the authors' PyTorch classes, through the engine's own training function.
import { describe, expect, test } from 'vitest';
import { climbs } from '../../src/catalogue/optimizers.js';
import { modelSchema, type OptimizerConfig } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { required } from '../../src/util/errors.js';
import { expectNear, l2 } from './support/compare.js';
import { goldenModel, goldenRuns, piece, type GoldenRun } from './support/golden.js';
import { openGoldenTraining, type GoldenTraining } from './support/golden-training.js';
import { optimizerConfig } from './support/optimizers.js';

const IMAGES = [16, 3, 32, 32] as const;
/**
 * Relative distances allowed at step `t`. A rounding error grows two- or threefold a step, across the kinks of ReLU and the climb:
 * the authors' program in float64 is 7e-4 from theirs in float32 by the last step, and ours is as far from itself when its first
 * weights change in their last bit. Step 0 is free of that and the next two nearly so; a wrong formula shows there.
 */
function allowed(t: number): { readonly loss: number; readonly norm: number } {
  if (t === 0) return { loss: 1e-6, norm: 2e-5 };
  return t <= 2 ? { loss: 5e-4, norm: 5e-3 } : { loss: 2e-3, norm: 5e-2 };
}

const sam = { rho: 0.2, sigma: 1, lambda: 0.6 };
const adaptive = { ...sam, rho: 0.5 };
const overSgd = { base: 'sgd', momentum: 0.9, weightDecay: 1e-3 } as const;
const overAdamw = { base: 'adamw', weightDecay: 0.05 } as const;

const CONFIGS: Readonly<Record<GoldenRun['kind'], OptimizerConfig>> = {
  sgd: optimizerConfig({ name: 'sgd', ...overSgd }),
  sam: optimizerConfig({ name: 'sam', ...overSgd, ...sam }),
  asam: optimizerConfig({ name: 'asam', ...overSgd, ...adaptive }),
  fsam: optimizerConfig({ name: 'fsam', ...overSgd, ...sam }),
  fasam: optimizerConfig({ name: 'fasam', ...overSgd, ...adaptive }),
  adamw: optimizerConfig({ name: 'adamw', ...overAdamw }),
  'sam-adamw': optimizerConfig({ name: 'sam', ...overAdamw, ...sam }),
  'fsam-adamw': optimizerConfig({ name: 'fsam', ...overAdamw, ...sam }),
};

const golden = goldenModel('wrn-10-1', 10);
const network = buildModel(modelSchema.parse({ name: 'wrn-10-1' }), {
  height: 32,
  width: 32,
  channels: 3,
  classes: 10,
});

const adapts = ({ adaptive }: OptimizerConfig) => adaptive;

describe.each(goldenRuns())('$kind', (run) => {
  const config = CONFIGS[run.kind];

  test.each(['eager', 'traced'] as const)('ten steps as in PyTorch, %s', (how) => {
    const training = openGoldenTraining(how, network, config, golden.tensors, IMAGES);
    // AdamW takes a step of one size however small a gradient is: rounding alone decides the sign of some.
    const lengthTolerance = config.base === 'sgd' ? 1e-6 : 2e-5;
    run.steps.forEach((wanted, t) => {
      const got = training.step(t, wanted.lr);
      const { loss: lossTolerance, norm: normTolerance } = allowed(t);
      const near = (what: string, got: number, value: number | undefined, tolerance: number) => {
        expectNear(`${what} of step ${t}`, got, required(value, what), tolerance);
      };
      near('loss', got.loss, wanted.loss, lossTolerance);
      near('gradient norm', got.gradient, wanted.grad_norm, normTolerance);
      near('length of w', l2(training.read('parameters')), wanted.param_l2, lengthTolerance);
      expect(wanted.perturbed_loss !== undefined).toBe(climbs(config));
      if (!climbs(config)) return;
      near('perturbed loss', got.perturbedLoss, wanted.perturbed_loss, lossTolerance);
      near('perturbed norm', got.perturbedGradient, wanted.perturbed_grad_norm, normTolerance);
      // Without `adaptive` the climb has the length rho, whatever the gradient.
      const climbTolerance = adapts(config) ? normTolerance : 1e-6;
      near('perturbation', got.perturbation, wanted.perturbation_norm, climbTolerance);
    });
    expectEnd(training, run);
    training.dispose();
  });
});

/** The weights and statistics after the last step, and the logits that both give. */
function expectEnd(training: GoldenTraining, run: GoldenRun): void {
  const [w, statistics] = [training.read('parameters'), training.read('statistics')];
  const { parameters, statistics: layout } = network;
  // The first eight weights in PyTorch's order are kernel places (0 0), (0 1) .. (2 1) of the first input and output channel.
  const convolution = piece(parameters, w, 'f.0_convolution.weight');
  const head = run.final_first_conv_head.map((_, place) => convolution[place * 3 * 16] as number);
  const near = (what: string, got: ArrayLike<number>, wanted: readonly number[], within = 1e-3) => {
    expectNear(`final ${what}`, got, wanted, within);
  };
  near('first convolution', head, run.final_first_conv_head, 5e-3);
  near('last bias', piece(parameters, w, 'f.8_classification.bias'), run.final_last_bias);
  const normalisation = 'f.1_block.block.0.norm_act.0_normalization';
  const mean = piece(layout, statistics, `${normalisation}.running_mean`).subarray(0, 4);
  const variance = piece(layout, statistics, `${normalisation}.running_var`).subarray(0, 4);
  near('running mean', mean, run.first_bn_running_mean);
  near('running variance', variance, run.first_bn_running_var);
  near('logits', training.logits(), run.final_eval_logits_row0, 5e-2);
}
