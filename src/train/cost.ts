// The size of a network: parameters, and what one image costs.
import type { ModelConfig } from '../catalogue/schema.js';
import { traceProgram } from '../graph/compile.js';
import { multiplyAdds } from '../graph/cost.js';
import { buildModel, type ModelInput } from '../models/models.js';
import type { Tensor1D, Tensor4D } from '../native/tensorflow.js';

export interface Cost {
  readonly parameters: number;
  /** Of one image, forwards, in convolutions and matrix products. */
  readonly multiplyAdds: number;
}

/**
 * Counted from a trace of one evaluation; nothing is computed.
 *
 * Errors: UserError where the network cannot read such images.
 */
export function networkCost(config: ModelConfig, input: ModelInput): Cost {
  const network = buildModel({ ...config, convolution: 'direct' }, input);
  const { parameters, statistics } = network;
  const graph = traceProgram({
    variables: {
      parameters: { dtype: 'float32', shape: [parameters.size] },
      statistics: { dtype: 'float32', shape: [statistics.size] },
    },
    functions: {
      evaluate: {
        inputs: {
          images: { dtype: 'float32', shape: [1, input.height, input.width, input.channels] },
        },
        state: ['parameters', 'statistics'],
        body: (state, { images }) => {
          const [w, s] = [state['parameters'], state['statistics']] as [Tensor1D, Tensor1D];
          const { logits } = network.forward(w, s, images as Tensor4D, 'evaluation');
          return { outputs: { logits } };
        },
      },
    },
  });
  return { parameters: parameters.size, multiplyAdds: multiplyAdds(graph, 'evaluate') };
}
