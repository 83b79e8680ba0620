// What tests run of a network: one evaluation, and one training step.
import type { FunctionSpec, ProgramSpec } from '../../../src/graph/program.js';
import type { Tensor1D, Tensor4D } from '../../../src/native/tensorflow.js';
import type { Network } from '../../../src/nn/network.js';
import { ALIKE } from '../../../src/optim/rule.js';
import { trainOn, wholly } from '../../../src/session/passes.js';
import { required } from '../../../src/util/errors.js';
import type { GoldenModel } from './golden.js';
import { optimizerConfig, optimizerOf } from './optimizers.js';
import { CROSS_ENTROPY } from './task.js';

/** `evaluation`: logits of `images`; `step`: one of SGD, with its loss and gradient at w. `input` is NCHW. */
export function passesOf(
  network: Network,
  [batch, channels, height, width]: GoldenModel['input'],
): ProgramSpec & { readonly functions: Readonly<Record<'evaluation' | 'step', FunctionSpec>> } {
  const { parameters } = network;
  const optimizer = optimizerOf(optimizerConfig({ name: 'sgd' }), parameters.tensors);
  const images = { dtype: 'float32', shape: [batch, height, width, channels] } as const;
  const vector = { dtype: 'float32', shape: [parameters.size] } as const;
  return {
    variables: {
      parameters: vector,
      momentum: vector,
      statistics: { dtype: 'float32', shape: [network.statistics.size] },
    },
    functions: {
      evaluation: {
        inputs: { images },
        state: ['parameters', 'statistics'],
        body: (state, inputs) => {
          const [w, s] = [state['parameters'], state['statistics']] as [Tensor1D, Tensor1D];
          const x = required(inputs['images'], 'images');
          const { output: logits } = network.forward(w, s, x, 'evaluation');
          return { outputs: { logits } };
        },
      },
      step: {
        inputs: {
          images,
          labels: { dtype: 'int32', shape: [batch] },
          learningRate: { dtype: 'float32', shape: [] },
        },
        state: ['parameters', 'statistics', 'momentum'],
        body: (state, inputs) => {
          const one = {
            input: inputs['images'] as Tensor4D,
            targets: { labels: inputs['labels'] as Tensor1D },
          };
          const settings = { network, optimizer, task: CROSS_ENTROPY, microBatches: 1 };
          const step = trainOn(settings, wholly(one), undefined, state, inputs, ALIKE);
          const { loss, gradient } = required(step.parts[0], 'the pass').first;
          return { state: step.state, outputs: { loss, gradient } };
        },
      },
    },
  };
}
