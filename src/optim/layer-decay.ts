// Learning rates that fall from layer to layer, from the output to the input, for fine-tuning.
//
// Clark et al., "ELECTRA" (arXiv 2003.10555, appendix), and Bao et al., "BEiT" (arXiv 2106.08254); layers are counted as
// timm's param_groups_layer_decay counts them. A step of SGD or AdamW is proportional to its rate, decay included, and
// its state does not depend on it: so the step is taken, and shortened.
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import { required, UserError } from '../util/errors.js';
import { runsOf } from './selection.js';
import { scaled } from './vector.js';

/** w [P] and where a step leads -> where it leads with the rates of each layer. */
type Shorten = (w: Tensor1D, next: Tensor1D) => Tensor1D;

/**
 * @param decay of one layer to the next; null: all have the same rate
 * @param parameters the tensors that w [P] is cut into
 *
 * Errors: UserError where the network does not count its layers.
 */
export function byLayer(decay: number | null, parameters: readonly TensorSpec[]): Shorten {
  if (decay === null || decay === 1) return (_w, next) => next;
  const scaleOf = ({ fromOutput }: TensorSpec): number => {
    if (fromOutput !== undefined) return decay ** fromOutput;
    throw new UserError(
      `optimizer.layerDecay: got ${decay}, wanted null: only vision transformers count their layers`,
    );
  };
  const runs = runsOf(parameters, scaleOf);
  const sizes = runs.map(({ size }) => size);
  return (w, next) => {
    const [from, to] = [w, next].map((vector) => tf.split<Tensor1D>(vector, sizes));
    const pieces = runs.map(({ value }, i) => {
      const [a, b] = [required(from?.[i], 'a piece'), required(to?.[i], 'a piece')];
      return value === 1 ? b : tf.add<Tensor1D>(a, scaled(tf.sub<Tensor1D>(b, a), value));
    });
    return tf.concat(pieces);
  };
}
