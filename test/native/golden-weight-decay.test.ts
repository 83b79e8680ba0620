// Weight decay of all parameters, and of those of two or more dimensions only, against PyTorch's SGD.
import { describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';
import type { Network } from '../../src/nn/network.js';
import { distance, expectNoDifferences, l2 } from './support/compare.js';
import { goldenDecays, piece, type GoldenDecay } from './support/golden.js';
import { openGoldenTraining, type GoldenTraining } from './support/golden-training.js';
import { optimizerConfig } from './support/optimizers.js';

/**
 * float32 PyTorch is within a tenth of these of the golden float64. Scales that are decayed and scales
 * that are not end 2e-4 apart.
 */
const BOUND = { loss: 5e-6, norm: 5e-6, length: 1e-6, weights: 3e-5, logits: 5e-5 };

const configOf = ({ rho, run: { options } }: GoldenDecay) =>
  optimizerConfig({
    ...{ name: options.climb ?? 'sgd', rho, momentum: 0.9, weightDecay: 1e-3 },
    nesterov: options.nesterov ?? false,
    decayed: options.decay === '2d' ? 'matrices' : 'all',
  });

describe.each(goldenDecays().map((golden) => ({ golden, kind: golden.run.kind })))(
  '$kind',
  ({ golden }) => {
    const { width, input, classes, tensors } = golden;
    const [, channels, side] = input;
    const network = buildModel(modelSchema.parse({ name: 'resnet18', width }), {
      ...{ height: side, width: side, channels, classes },
    });

    test.each(['eager', 'traced'] as const)('three steps as in PyTorch, %s', (how) => {
      const training = openGoldenTraining(how, network, configOf(golden), tensors, input);
      expectNoDifferences((attempt) => {
        training.start(attempt);
        return differences(training, network, golden)
          .map(([what, got, wanted, bound]) => [what, distance(got, wanted), bound] as const)
          .filter(([, found, bound]) => !(found < bound))
          .map(([what, found]) => `${what}: relative distance ${found}`);
      });
      training.dispose();
    });
  },
);

/** What is compared of three steps, and how far apart it may be. */
function differences(
  training: GoldenTraining,
  { parameters }: Network,
  { run, width, input: [, channels] }: GoldenDecay,
): [what: string, got: Numbers, wanted: Numbers, bound: number][] {
  const steps = run.steps.flatMap((wanted, t): ReturnType<typeof differences> => {
    const { loss, gradient } = training.step(t, wanted.lr);
    const [w, v] = [training.read('parameters'), training.read('momentum')];
    return [
      [`loss of step ${t}`, [loss], [wanted.loss], BOUND.loss],
      [`gradient of step ${t}`, [gradient], [wanted.grad_norm], BOUND.norm],
      [`length of w after step ${t}`, [l2(w)], [wanted.param_l2], BOUND.length],
      [`momentum after step ${t}`, [l2(v)], [wanted.momentum_l2], BOUND.norm],
    ];
  });
  const w = training.read('parameters');
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
    ['logits', training.logits(), run.final_eval_logits_row0, BOUND.logits],
  ];
}

type Numbers = ArrayLike<number>;

test('the golden numbers tell one from the other by far more than is allowed', () => {
  const find = (kind: string) => goldenDecays().find(({ run }) => run.kind === kind)?.run;
  const [all, matrices] = [find('sgd'), find('sgd-decay-2d-only')];
  const [before = NaN] = all?.final_first_bn_weight ?? [];
  const [after = NaN] = matrices?.final_first_bn_weight ?? [];
  expect(Math.abs(after / before - 1)).toBeGreaterThan(5 * BOUND.weights);
});
