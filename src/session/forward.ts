// A network of images in evaluation mode, as a function over its slots.
import type { FunctionSpec } from '../graph/program.js';
import type { TensorType } from '../native/types.js';
import type { Network } from '../nn/network.js';
import { required } from '../util/errors.js';
import { vector } from './slot.js';

/** Feeds `images` [N H W C], which are normalised already; puts out `logits` [N K]. */
export const forward = (network: Network, images: TensorType): FunctionSpec => ({
  inputs: { images },
  state: ['parameters', 'statistics'],
  body: (state, inputs) => {
    const [w, s] = [vector(state, 'parameters'), vector(state, 'statistics')];
    const fed = required(inputs['images'], 'images');
    const { output } = network.forward(w, s, fed, 'evaluation');
    return { outputs: { logits: output } };
  },
});
