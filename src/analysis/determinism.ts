// Whether an objective is a function at all: products and differences of one that is not mean nothing.
import type { Objective } from '../session/objective.js';
import { RunError } from '../util/errors.js';
import { combination, norm } from './vectors.js';
import { countProducts, type Watch } from './watch.js';

/** Sums in float32 may be added up in another order: on GPUs, from run to run. */
const TOLERANCE = 5e-5;
/** Below it, a difference is none. */
const TINY = 1e-6;

/**
 * Evaluates loss and gradient twice, and the loss alone. Errors: RunError where they are not finite or do not agree.
 */
export async function checkDeterminism(
  objective: Pick<Objective, 'weights' | 'loss' | 'lossAndGradient'>,
  watch: Watch = {},
): Promise<void> {
  const counter = countProducts(watch, 3);
  const w = objective.weights;
  const first = await counter.next(() => objective.lossAndGradient(w));
  const second = await counter.next(() => objective.lossAndGradient(w));
  const alone = await counter.next(() => objective.loss(w));
  const length = norm(first.gradient);
  const change = norm(combination([1, first.gradient], [-1, second.gradient]));
  if (!Number.isFinite(first.loss) || !Number.isFinite(length)) {
    throw new RunError(
      `the loss at the weights analysed is ${first.loss}, its gradient's length ${length}: there is nothing to analyse`,
    );
  }
  expectEqual('the loss', first.loss, second.loss - first.loss);
  expectEqual('the gradient', length, change);
  if (!agrees(first.loss, alone - first.loss)) {
    throw new RunError(
      `the loss is ${first.loss} with its gradient and ${alone} without: the two do not compute the same function`,
    );
  }
}

const agrees = (value: number, change: number): boolean =>
  Math.abs(change) <= TOLERANCE * Math.abs(value) + TINY;

function expectEqual(what: string, value: number, change: number): void {
  if (agrees(value, change)) return;
  throw new RunError(
    `${what} at the same weights came out differently a second time (${value}, then ${Math.abs(change)} away): ` +
      'something is drawn or kept between evaluations, such as dropout, augmentation, the order of examples, or ' +
      'running statistics of BatchNorm',
  );
}
