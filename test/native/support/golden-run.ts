// A golden run of wrn-10-1 on the batches of optimizers.json, trained again.
import { expect } from 'vitest';
import { modelSchema, type OptimizerConfig } from '../../../src/catalogue/schema.js';
import { buildModel } from '../../../src/models/models.js';
import { required } from '../../../src/util/errors.js';
import { distance, expectNoDifferences, l2, SEEDS, type Numbers } from './compare.js';
import { goldenModel, piece, type GoldenRun } from './golden.js';
import { openGoldenTraining, type GoldenTraining } from './golden-training.js';
import { optimizerOf } from './optimizers.js';

const IMAGES = [16, 3, 32, 32] as const;

const golden = goldenModel('wrn-10-1', 10);
const network = buildModel(modelSchema.parse({ name: 'wrn-10-1' }), {
  height: 32,
  width: 32,
  channels: 3,
  classes: 10,
});

/** Relative distances. */
interface Allowed {
  readonly loss: number;
  readonly norm: number;
}

/** Trains as `run` was, and expects what it measured at each step, and left. */
export function expectRun(
  how: 'eager' | 'traced',
  config: OptimizerConfig,
  run: GoldenRun,
  allowed: (step: number) => Allowed,
): void {
  const training = openGoldenTraining(how, network, config, golden.tensors, IMAGES);
  expectNoDifferences(
    (attempt) => {
      training.start(attempt);
      const compared = run.steps.flatMap((_, t) => ofStep(training, config, run, t, allowed(t)));
      return [...compared, ...ofEnd(training, run)]
        .map(([what, got, wanted, bound]) => [what, distance(got, wanted), bound] as const)
        .filter(([, found, bound]) => !(found < bound))
        .map(([what, found, bound]) => `${what}: relative distance ${found}, allowed ${bound}`);
    },
    [0, ...SEEDS],
  );
  training.dispose();
}

type Compared = [what: string, got: Numbers, wanted: Numbers, bound: number];

function ofStep(
  training: GoldenTraining,
  config: OptimizerConfig,
  run: GoldenRun,
  t: number,
  { loss, norm }: Allowed,
): Compared[] {
  const wanted = required(run.steps[t], `step ${t}`);
  const got = training.step(t, wanted.lr);
  const near = (
    what: string,
    number: number,
    value: number | undefined,
    bound: number,
  ): Compared => [`${what} of step ${t}`, [number], [required(value, what)], bound];
  // AdamW takes a step of one size however small a gradient is: rounding alone decides the sign of some.
  const length = config.base === 'sgd' ? 1e-6 : 2e-5;
  const atW = [
    near('loss', got.loss, wanted.loss, loss),
    near('gradient norm', got.gradient, wanted.grad_norm, norm),
    near('length of w', l2(training.read('parameters')), wanted.param_l2, length),
  ];
  const { kinds } = optimizerOf(config, network.parameters.tensors);
  const climbs = kinds.byName[kinds.at(t)]?.climbs === true;
  expect(wanted.perturbed_loss !== undefined).toBe(climbs);
  if (!climbs) return atW;
  return [
    ...atW,
    near('perturbed loss', got.perturbedLoss, wanted.perturbed_loss, loss),
    near('perturbed norm', got.perturbedGradient, wanted.perturbed_grad_norm, norm),
    // Without `adaptive` the climb has the length rho, whatever the gradient.
    near('perturbation', got.perturbation, wanted.perturbation_norm, config.adaptive ? norm : 1e-6),
  ];
}

/** The weights and statistics after the last step, and the logits that both give. */
function ofEnd(training: GoldenTraining, run: GoldenRun): Compared[] {
  const [w, statistics] = [training.read('parameters'), training.read('statistics')];
  const { parameters, statistics: layout } = network;
  // The first eight weights in PyTorch's order are kernel places (0 0), (0 1) .. (2 1) of the first input and output channel.
  const convolution = piece(parameters, w, 'f.0_convolution.weight');
  const head = run.final_first_conv_head.map((_, place) => convolution[place * 3 * 16] as number);
  const bias = piece(parameters, w, 'f.8_classification.bias');
  const normalisation = 'f.1_block.block.0.norm_act.0_normalization';
  const mean = piece(layout, statistics, `${normalisation}.running_mean`).subarray(0, 4);
  const variance = piece(layout, statistics, `${normalisation}.running_var`).subarray(0, 4);
  return [
    ['final first convolution', head, run.final_first_conv_head, 5e-3],
    ['final last bias', bias, run.final_last_bias, 1e-3],
    ['final running mean', mean, run.first_bn_running_mean, 1e-3],
    ['final running variance', variance, run.first_bn_running_var, 1e-3],
    ['final logits', training.logits(), run.final_eval_logits_row0, 5e-2],
  ];
}
