// Random numbers inside a graph: a pure function of a fed seed.
import { typeAttribute } from './attributes.js';
import * as stock from './stock-ops.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, tf, type Tensor, type Tensor1D } from './tensorflow.js';

/**
 * Uniform draws from 0 (inclusive) to 1 (exclusive) of `shape`, by TensorFlow's counter-based
 * generator (Philox): the same seed [2] (int32) gives the same numbers. No gradient.
 */
export function uniform(shape: readonly number[], seed: Tensor1D): Tensor {
  if (usesStockOps()) return stock.uniform(shape, seed);
  return activeBackend().executeSingleOutput(
    'StatelessRandomUniform',
    [
      typeAttribute('dtype', 'float32'),
      typeAttribute('T', 'int32'),
      typeAttribute('Tseed', 'int32'),
    ],
    [tf.tensor1d([...shape], 'int32'), seed],
  );
}
