// Sums over all workers of a run, by TensorFlow's own collectives.
import {
  floatAttribute,
  intAttribute,
  boolAttribute,
  stringAttribute,
  typeAttribute,
} from './attributes.js';
import { activeBackend, tf, type Tensor1D } from './tensorflow.js';

/** How the workers of a run find each other in a sum. */
export interface Gathering {
  /** How many take part. */
  readonly count: number;
  /** Tells this sum from all others of the run; the same on every worker. */
  readonly key: number;
  /** After which a worker that waits for others gives up. */
  readonly timeoutSeconds: number;
}

/** All sums are among the same workers. */
const GROUP = 1;

/**
 * The sum of x [N] over all workers, each of which calls it with an x of its own; the same bits on each of them. A
 * worker that never comes ends the others with an error after the time-out.
 */
export function sumOverWorkers(x: Tensor1D, { count, key, timeoutSeconds }: Gathering): Tensor1D {
  const attributes = [
    typeAttribute('T', 'float32'),
    stringAttribute('merge_op', 'Add'),
    stringAttribute('final_op', 'Id'),
    stringAttribute('communication_hint', 'auto'),
    floatAttribute('timeout_seconds', timeoutSeconds),
    boolAttribute('is_stateless', false),
    intAttribute('Nordering_token', 0),
    intAttribute('max_subdivs_per_device', -1),
  ];
  const numbers = [count, GROUP, key].map((number) => tf.scalar(number, 'int32'));
  return activeBackend().executeSingleOutput('CollectiveReduceV2', attributes, [
    x,
    ...numbers,
  ]) as Tensor1D;
}
