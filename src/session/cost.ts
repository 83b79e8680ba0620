// The size of a network: parameters, and what one image or window costs.
import type { ModelConfig } from '../catalogue/schema.js';
import { traceProgram } from '../graph/compile.js';
import { multiplyAdds } from '../graph/cost.js';
import { buildModel, type ModelInput } from '../models/models.js';
import type { TensorType } from '../native/types.js';
import { forward } from './forward.js';
import { programOf } from './session.js';
import { networkSlots } from './slot.js';

export interface Cost {
  readonly parameters: number;
  /** Of one image or window, forwards, in convolutions and matrix products. */
  readonly multiplyAdds: number;
}

/**
 * Counted from a trace of one evaluation; nothing is computed.
 *
 * Errors: UserError where the network cannot read such images or windows.
 */
export function networkCost(config: ModelConfig, input: ModelInput): Cost {
  const network = buildModel({ ...config, convolution: 'direct' }, input);
  const example: TensorType =
    'context' in input
      ? { dtype: 'int32', shape: [1, input.context] }
      : { dtype: 'float32', shape: [1, input.height, input.width, input.channels] };
  const functions = { evaluate: forward(network, example) };
  const graph = traceProgram(programOf({ slots: networkSlots(network), held: {}, functions }));
  return {
    parameters: network.parameters.size,
    multiplyAdds: multiplyAdds(graph, 'evaluate'),
  };
}
