// A network in evaluation mode, as a function over its slots.
import type { FunctionSpec } from '../graph/program.js';
import type { TensorType } from '../native/types.js';
import type { Network } from '../nn/network.js';
import { required } from '../util/errors.js';
import { vector } from './slot.js';

/**
 * Feeds `input`, images [N H W C] that are normalised already or tokens [N T]; puts out `logits`, [N K] or
 * [N T K].
 */
export const forward = (network: Network, input: TensorType): FunctionSpec => ({
  inputs: { input },
  state: ['parameters', 'statistics'],
  body: (state, inputs) => {
    const [w, s] = [vector(state, 'parameters'), vector(state, 'statistics')];
    const fed = required(inputs['input'], 'input');
    const { output } = network.forward(w, s, fed, 'evaluation');
    return { outputs: { logits: output } };
  },
});
