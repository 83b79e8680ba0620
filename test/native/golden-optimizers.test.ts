// Ten steps of every optimizer against the authors' PyTorch classes, through the engine's own training function.
import { CROSS_ENTROPY } from './support/task.js';
import { describe, expect, test } from 'vitest';
import { climbs } from '../../src/catalogue/optimizers.js';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { Program, ProgramSpec } from '../../src/graph/program.js';
import { tf, type Scalar, type Tensor1D, type Tensor4D } from '../../src/native/tensorflow.js';
import { modelSchema } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import { createOptimizer } from '../../src/optim/optimizer.js';
import { climb } from '../../src/optim/sam.js';
import { norm } from '../../src/optim/vector.js';
import { trainOn } from '../../src/session/passes.js';
import { required } from '../../src/util/errors.js';
import { expectNear, l2 } from './support/compare.js';
import {
  goldenImages,
  goldenLabels,
  goldenModel,
  goldenParameters,
  goldenRuns,
  goldenStatistics,
  piece,
  type GoldenRun,
} from './support/golden.js';
import { optimizerConfig } from './support/optimizers.js';

const BATCH = 16;
const IMAGES = [BATCH, 3, 32, 32] as const;
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

function training(config: OptimizerConfig): ProgramSpec {
  const optimizer = createOptimizer(config);
  const vector = { dtype: 'float32', shape: [network.parameters.size] } as const;
  const images = { dtype: 'float32', shape: [BATCH, 32, 32, 3] } as const;
  const scalars = Object.keys(optimizer.scalars(0, 0));
  return {
    variables: {
      parameters: vector,
      statistics: { dtype: 'float32', shape: [network.statistics.size] },
      ...Object.fromEntries(optimizer.state.map((name) => [name, vector])),
    },
    functions: {
      train: {
        inputs: {
          images,
          labels: { dtype: 'int32', shape: [BATCH] },
          ...Object.fromEntries(scalars.map((name) => [name, { dtype: 'float32', shape: [] }])),
        },
        state: ['parameters', 'statistics', ...optimizer.state],
        body: (state, inputs) => {
          const images = inputs['images'] as Tensor4D;
          const labels = inputs['labels'] as Tensor1D;
          const w = state['parameters'] as Tensor1D;
          const step = trainOn(
            { network, optimizer, task: CROSS_ENTROPY, microBatches: 1 },
            { input: images, targets: { labels } },
            undefined,
            state,
            inputs,
          );
          const { first, perturbed } = required(step.parts[0], 'the pass');
          const none = tf.scalar(0);
          const measures = [
            first.loss,
            norm(first.gradient),
            perturbed ? norm(climb(perturbed.direction, w, config.rho, adapts(config))) : none,
            perturbed?.pass.loss ?? none,
            perturbed ? norm(perturbed.pass.gradient) : none,
          ];
          return { state: step.state, outputs: { measures: tf.stack<Scalar>(measures) } };
        },
      },
      evaluate: {
        inputs: { images },
        state: ['parameters', 'statistics'],
        body: ({ parameters, statistics }, inputs) => {
          const x = inputs['images'] as Tensor4D;
          const pass = [parameters as Tensor1D, statistics as Tensor1D, x, 'evaluation'] as const;
          return { outputs: { logits: network.forward(...pass).output } };
        },
      },
    },
  };
}

function start(program: Program, config: OptimizerConfig): void {
  program.write('parameters', goldenParameters(golden));
  program.write('statistics', goldenStatistics(golden));
  for (const name of createOptimizer(config).state) {
    program.write(name, new Float32Array(network.parameters.size));
  }
}

describe.each(goldenRuns())('$kind', (run) => {
  const config = CONFIGS[run.kind];
  const optimizer = createOptimizer(config);

  test.each(['eager', 'traced'] as const)('ten steps as in PyTorch, %s', (how) => {
    const spec = training(config);
    const program = how === 'eager' ? runEagerly(spec) : loadGraph(traceProgram(spec));
    start(program, config);
    // AdamW takes a step of one size however small a gradient is: rounding alone decides the sign of some.
    const lengthTolerance = config.base === 'sgd' ? 1e-6 : 2e-5;
    run.steps.forEach((wanted, t) => {
      const images = goldenImages(20000 + t, IMAGES);
      const labels = goldenLabels(t, BATCH);
      const scalars = Object.entries(optimizer.scalars(t, wanted.lr));
      const fed = Object.fromEntries(scalars.map(([name, x]) => [name, Float32Array.of(x)]));
      const { measures } = program.run('train', { images, labels, ...fed });
      const [loss, gradient, perturbation, perturbedLoss, perturbedGradient] = Array.from(
        required(measures, 'measures'),
      ) as [number, number, number, number, number];
      const { loss: lossTolerance, norm: normTolerance } = allowed(t);
      const near = (what: string, got: number, value: number | undefined, tolerance: number) => {
        expectNear(`${what} of step ${t}`, got, required(value, what), tolerance);
      };
      near('loss', loss, wanted.loss, lossTolerance);
      near('gradient norm', gradient, wanted.grad_norm, normTolerance);
      near('length of w', l2(program.read('parameters')), wanted.param_l2, lengthTolerance);
      expect(wanted.perturbed_loss !== undefined).toBe(climbs(config));
      if (!climbs(config)) return;
      near('perturbed loss', perturbedLoss, wanted.perturbed_loss, lossTolerance);
      near('perturbed norm', perturbedGradient, wanted.perturbed_grad_norm, normTolerance);
      // Without `adaptive` the climb has the length rho, whatever the gradient.
      const climbTolerance = adapts(config) ? normTolerance : 1e-6;
      near('perturbation', perturbation, wanted.perturbation_norm, climbTolerance);
    });
    expectEnd(program, run);
    program.dispose();
  });
});

/** The weights and statistics after the last step, and the logits that both give. */
function expectEnd(program: Program, run: GoldenRun): void {
  const w = program.read('parameters') as Float32Array;
  const statistics = program.read('statistics') as Float32Array;
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
  const { logits } = program.run('evaluate', { images: goldenImages(29999, IMAGES) });
  const row = required(logits, 'logits').subarray(0, 10);
  near('logits', row, run.final_eval_logits_row0, 5e-2);
}
