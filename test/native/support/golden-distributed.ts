// What the runs of distributed.json are held against: how they are cut, and how far from PyTorch's numbers they may be.
import { modelSchema } from '../../../src/catalogue/schema.js';
import { buildModel } from '../../../src/models/models.js';
import type { Network } from '../../../src/nn/network.js';
import { required } from '../../../src/util/errors.js';
import { distance, l2 } from './compare.js';
import { goldenDistributed, piece, type GoldenDistributed } from './golden.js';
import { openGoldenTraining, type Cut, type GoldenTraining } from './golden-training.js';
import { optimizerConfig } from './optimizers.js';

/**
 * float32 PyTorch is within a tenth of these of the golden float64. Scales that are decayed and scales
 * that are not end 2e-4 apart.
 */
export const BOUND = { loss: 5e-6, norm: 5e-6, length: 1e-6, weights: 3e-5, logits: 5e-5 };

const configOf = ({ rho, run: { options } }: GoldenDistributed) =>
  optimizerConfig({
    ...{ name: options.climb ?? 'sgd', rho, momentum: 0.9, weightDecay: 1e-3 },
    nesterov: options.nesterov ?? false,
    decayed: options.decay === '2d' ? 'matrices' : 'all',
    perturbation: options.perturbation === 'synchronised' ? 'shared' : 'own',
  });

/** Not those whose workers have shares of unequal size, or averages of their own, which no configuration asks for. */
export const RUNS = goldenDistributed().filter(
  ({ run: { options } }) =>
    options.ema !== 'local' && new Set(options.workers).size <= 1 && options.mean === undefined,
);

/** Those of two workers. */
export const PARTED = RUNS.filter(({ run }) => run.options.workers !== undefined);

export interface Way {
  readonly way: string;
  readonly how: 'eager' | 'traced';
  readonly cut: Cut;
  /** Of the statistics of BatchNorm. */
  readonly rule: 'mean' | 'in_turn';
}

export function openDistributed(
  golden: GoldenDistributed,
  { how, cut }: Pick<Way, 'how' | 'cut'>,
): [Network, GoldenTraining] {
  const { width, input, classes, tensors } = golden;
  const [, channels, side] = input;
  const network = buildModel(modelSchema.parse({ name: 'resnet18', width }), {
    ...{ height: side, width: side, channels, classes },
  });
  return [network, openGoldenTraining(how, network, configOf(golden), tensors, input, cut)];
}

/** What is further from the golden numbers than it may be after three steps of `training`, a line each. */
export const differences = (
  training: GoldenTraining,
  network: Network,
  golden: GoldenDistributed,
  rule: Way['rule'],
): string[] =>
  compared(training, network, golden, rule)
    .map(([what, got, wanted, bound]) => [what, distance(got, wanted), bound] as const)
    .filter(([, found, bound]) => !(found < bound))
    .map(([what, found]) => `${what}: relative distance ${found}`);

/** What is compared of three steps, and how far apart it may be. */
function compared(
  training: GoldenTraining,
  { parameters, statistics: layout }: Network,
  { run, width, input: [, channels] }: GoldenDistributed,
  rule: Way['rule'],
): [what: string, got: Numbers, wanted: Numbers, bound: number][] {
  const steps = run.steps.flatMap((wanted, t): ReturnType<typeof compared> => {
    const got = training.step(t, wanted.lr);
    const { loss, gradient } = got;
    const { perturbed_loss: up, perturbed_grad_norm: upNorm } = wanted;
    const [w, v] = [training.read('parameters'), training.read('momentum')];
    return [
      [`loss of step ${t}`, [loss], [wanted.loss], BOUND.loss],
      [`gradient of step ${t}`, [gradient], [wanted.grad_norm], BOUND.norm],
      ...(up === undefined || upNorm === undefined
        ? []
        : ([
            [`perturbed loss of step ${t}`, [got.perturbedLoss], [up], BOUND.loss],
            [`perturbed gradient of step ${t}`, [got.perturbedGradient], [upNorm], BOUND.norm],
          ] as ReturnType<typeof compared>)),
      [`length of w after step ${t}`, [l2(w)], [wanted.param_l2], BOUND.length],
      [`momentum after step ${t}`, [l2(v)], [wanted.momentum_l2], BOUND.norm],
    ];
  });
  const w = training.read('parameters');
  const statistics = training.read('statistics');
  const after = required(run.statistics[rule], rule);
  const ends = [
    // OIHW in PyTorch, HWIO here: the places of the first kernel.
    ['conv1.0.weight', run.final_first_conv_head, channels * width],
    ['conv1.1.weight', run.final_first_bn_weight, 1],
    ['conv1.1.bias', run.final_first_bn_bias, 1],
    ['fc.bias', run.final_last_bias, 1],
  ] as const;
  return [
    ...steps,
    ...ends.map(([name, wanted, stride]): (typeof steps)[number] => {
      const found = piece(parameters, w, name);
      const got = wanted.map((_, i) => found[i * stride] as number);
      return [name, got, wanted, BOUND.weights];
    }),
    ...(
      [
        ['running_mean', after.first_bn_running_mean],
        ['running_var', after.first_bn_running_var],
      ] as const
    ).map(([name, wanted]): (typeof steps)[number] => {
      const found = piece(layout, statistics, `conv1.1.${name}`).subarray(0, wanted.length);
      return [name, found, wanted, BOUND.weights];
    }),
    ['logits', training.logits(), after.final_eval_logits_row0, BOUND.logits],
  ];
}

type Numbers = ArrayLike<number>;
