// Networks against the authors' PyTorch: every tensor's place, and what one pass gives.
import { describe, expect, test } from 'vitest';
import { modelSchema } from '../../src/config/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { FunctionSpec, ProgramSpec } from '../../src/graph/program.js';
import { buildModel } from '../../src/models/models.js';
import type { Tensor1D, Tensor4D } from '../../src/native/tensorflow.js';
import type { Mode, Network } from '../../src/nn/network.js';
import { createOptimizer } from '../../src/optim/optimizer.js';
import { trainOn } from '../../src/train/step.js';
import { expectNear, l2 } from './support/compare.js';
import {
  goldenImages,
  goldenModel,
  goldenParameters,
  goldenStatistics,
  ourShape,
  piece,
  type GoldenModel,
} from './support/golden.js';
import { optimizerConfig } from './support/optimizers.js';
import { wideResnet } from './support/wide-resnet.js';

/** Two float32 programs that sum in different orders; the golden README allows 1e-3. */
const TOLERANCE = 1e-4;

const resnet18 = (classes: number, convolution: 'auto' | 'direct') =>
  buildModel(modelSchema.parse({ name: 'resnet18', convolution }), { channels: 3, classes });

const cases: [string, number, 'auto' | 'direct', Network][] = [
  ['resnet18', 100, 'auto', resnet18(100, 'auto')],
  ['resnet18', 100, 'direct', resnet18(100, 'direct')],
  ['resnet18', 10, 'auto', resnet18(10, 'auto')],
  ['wrn-10-1', 10, 'direct', wideResnet('wrn-10-1', 1, 10)],
];

/** Logits in both modes with the statistics after the pass, and a training step with its loss and gradient. */
function passes(network: Network, [batch, channels, height, width]: GoldenModel['input']) {
  const optimizer = createOptimizer(optimizerConfig({ name: 'sgd' }));
  const vector = { dtype: 'float32', shape: [network.parameters.size] } as const;
  const images = { dtype: 'float32', shape: [batch, height, width, channels] } as const;
  const forward = (mode: Mode): FunctionSpec => ({
    inputs: { images },
    state: ['parameters', 'statistics'],
    body: ({ parameters, statistics }, inputs) => {
      const x = inputs['images'] as Tensor4D;
      const pass = network.forward(parameters as Tensor1D, statistics as Tensor1D, x, mode);
      return { outputs: { ...pass } };
    },
  });
  return {
    variables: {
      parameters: vector,
      momentum: vector,
      statistics: { dtype: 'float32', shape: [network.statistics.size] },
    },
    functions: {
      evaluation: forward('evaluation'),
      training: forward('training'),
      step: {
        inputs: {
          images,
          labels: { dtype: 'int32', shape: [batch] },
          learningRate: { dtype: 'float32', shape: [] },
        },
        state: ['parameters', 'statistics', 'momentum'],
        body: (state, inputs) => {
          const x = inputs['images'] as Tensor4D;
          const labels = inputs['labels'] as Tensor1D;
          const step = trainOn({ network, optimizer }, x, labels, state, inputs);
          const { loss, gradient } = step.chosen.first;
          return { state: step.state, outputs: { loss, gradient } };
        },
      },
    },
  } satisfies ProgramSpec;
}

describe.each(cases)('%s with %i classes, convolutions %s', (name, classes, _, network) => {
  const golden = goldenModel(name, classes);
  const { parameters, statistics } = network;

  test('has the parameters of the PyTorch network, in its order', () => {
    expect(parameters.size).toBe(golden.parameters);
    expect(parameters.tensors.map((tensor) => [tensor.name, tensor.shape])).toEqual(
      golden.tensors.map(([tensor, shape]) => [tensor, ourShape(shape)]),
    );
    const normalisations = golden.tensors
      .filter(([, , kind]) => kind === 'bn_scale')
      .map(([scale]) => scale.replace(/weight$/, ''));
    expect(statistics.tensors.map((tensor) => tensor.name)).toEqual(
      normalisations.flatMap((path) => [`${path}running_mean`, `${path}running_var`]),
    );
  });

  test.each(['eager', 'traced'] as const)('computes what PyTorch does, %s', (how) => {
    const spec = passes(network, golden.input);
    const program = how === 'eager' ? runEagerly(spec) : loadGraph(traceProgram(spec));
    program.write('parameters', goldenParameters(golden));
    program.write('statistics', goldenStatistics(golden));
    program.write('momentum', new Float32Array(parameters.size));
    const images = goldenImages(9999, golden.input);
    const labels = Int32Array.from({ length: golden.input[0] }, (_, i) => i % classes);

    const near = (what: string, got: Values | number, wanted: Values | number) => {
      expectNear(what, got, wanted, TOLERANCE);
    };
    const evaluation = program.run('evaluation', { images }) as Outputs;
    near('evaluation logits', evaluation.logits.subarray(0, 10), golden.eval_logits_row0);
    near('length of the evaluation logits', l2(evaluation.logits), golden.eval_logits_l2);
    expect(evaluation.statistics).toEqual(goldenStatistics(golden));

    const training = program.run('training', { images }) as Outputs;
    near('training logits', training.logits.subarray(0, 10), golden.train_logits_row0);
    near('length of the training logits', l2(training.logits), golden.train_logits_l2);
    const [mean, variance] = statistics.tensors.map(({ name: tensor }) =>
      piece(statistics, training.statistics, tensor).subarray(0, 4),
    ) as [Float32Array, Float32Array];
    near('running mean', mean, golden.first_bn_running_mean_after);
    near('running variance', variance, golden.first_bn_running_var_after);

    const learningRate = Float32Array.of(0.1);
    const step = program.run('step', { images, labels, learningRate }) as StepOutputs;
    const gradientOf = (tensor: string) => l2(piece(parameters, step.gradient, tensor));
    const weights = golden.tensors.filter(([, , kind]) => kind === 'weight').map(([path]) => path);
    near('loss', step.loss, golden.train_loss);
    near('gradient norm', l2(step.gradient), golden.grad_norm);
    near('first gradient', gradientOf(weights[0] as string), golden.grad_norm_first);
    near('last gradient', gradientOf(weights.at(-1) as string), golden.grad_norm_last_weight);
    expect(program.read('statistics')).toEqual(training.statistics);
    program.dispose();
  });
});

type Values = ArrayLike<number>;
type Outputs = Record<'logits' | 'statistics', Float32Array>;
type StepOutputs = Record<'loss' | 'gradient', Float32Array>;
