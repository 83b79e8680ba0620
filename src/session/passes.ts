// The passes of a training step: forward and back at w and, where the optimizer climbs, at w + eps,
// for each part of a batch.
import type { Tensors } from '../graph/program.js';
import { identity } from '../native/kernels.js';
import { adopt, nameScope, rescue, runAfter } from '../native/scope.js';
import { tf, type Scalar, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import type { Mode, Network } from '../nn/network.js';
import { gradientOf, type Optimizer } from '../optim/optimizer.js';
import type { BatchPart } from '../optim/rule.js';
import { required } from '../util/errors.js';
import type { Found, Pass } from './measure.js';
import type { Batch, Targets } from './batch.js';
import { vector } from './slot.js';
import type { Task } from './task.js';

/** What a step of training consists of. */
export interface Learner {
  readonly network: Network;
  readonly optimizer: Optimizer;
  readonly task: Pick<Task, 'loss' | 'count'>;
  /** Parts that a batch is cut into. */
  readonly microBatches: number;
}

/** What a step leaves, and what its passes found. */
interface Trained extends Found {
  readonly state: Tensors;
}

/**
 * One step of the optimizer on a batch, part by part. BatchNorm normalises every part by itself;
 * running statistics take one part after the other, each as its pass at w leaves them, the one at w
 * + eps leaves none behind. Every pass has random numbers of its own.
 *
 * @param seed [2], for networks that draw random numbers
 * @param kind of the step, of the optimizer's
 */
export function trainOn(
  { network, optimizer, task, microBatches }: Learner,
  batch: Batch,
  seed: Tensor1D | undefined,
  state: Tensors,
  scalars: Tensors,
  kind: string,
): Trained {
  const cuts = cutToParts({ network, task, microBatches }, batch, seed, state, 'training');
  const step = optimizer.step(
    cuts.parts,
    vector(state, 'parameters'),
    state as Record<string, Tensor1D>,
    scalars as Record<string, Scalar>,
    kind,
  );
  const { w, state: vectors, gradient, chosen } = step;
  return {
    state: { parameters: w, statistics: cuts.statistics(), ...vectors },
    gradient,
    parts: chosen.map((part, i) => ({ ...part, share: required(cuts.parts[i], 'a part').share })),
  };
}

/**
 * Loss and gradient [P] of a batch at the weights of `state`, part by part as a step takes them, and the running
 * statistics [S] after it. In `evaluation` BatchNorm goes by those of `state`, which stay as they are.
 */
export function gradientOn(
  learner: Omit<Learner, 'optimizer'>,
  batch: Batch,
  seed: Tensor1D | undefined,
  state: Tensors,
  mode: Mode,
): Pick<Pass, 'gradient' | 'loss' | 'statistics'> {
  const { parts, statistics } = cutToParts(learner, batch, seed, state, mode);
  const { gradient, passes } = gradientOf(parts, vector(state, 'parameters'));
  const loss = passes
    .map((pass, i) => tf.mul<Scalar>(pass.loss, required(parts[i], 'a part').share))
    .reduce((sum, one) => tf.add<Scalar>(sum, one));
  return { gradient, loss, statistics: statistics() };
}

interface Cuts {
  readonly parts: readonly BatchPart<Pass>[];
  /** As the first passes of the parts so far have left them. */
  readonly statistics: () => Tensor1D;
}

function cutToParts(
  { network, task, microBatches }: Omit<Learner, 'optimizer'>,
  batch: Batch,
  seed: Tensor1D | undefined,
  state: Tensors,
  mode: Mode,
): Cuts {
  const all = batch.input.shape[0];
  const sizes = partSizes(all, microBatches);
  let passes = 0;
  let statistics = vector(state, 'statistics');
  const parts = sizes.map((size, index) => ({
    share: size / all,
    gradientAt: (after: readonly Tensor1D[]) => {
      const begin = sizes.slice(0, index).reduce((sum, one) => sum + one, 0);
      const part = sizes.length === 1 ? batch : runAfter(after, () => cut(batch, begin, size));
      const before = statistics;
      let first = true;
      return (w: Tensor1D): Pass => {
        const name = first ? 'first_pass' : 'second_pass';
        const own = seed && tf.add<Tensor1D>(seed, tf.tensor1d([passes, 0], 'int32'));
        const place = first && after.length > 0 ? runAfter(after, () => identity(w)) : w;
        const pass = nameScope(name, () => passAt(network, task, place, before, part, own, mode));
        if (first) ({ statistics } = pass);
        first = false;
        passes++;
        return pass;
      };
    },
  }));
  return { parts, statistics: () => statistics };
}

/**
 * Loss and gradient at w [P] of one batch, by tfjs's tape. Running statistics come out; the caller
 * keeps or drops them.
 */
function passAt(
  network: Network,
  task: Learner['task'],
  w: Tensor1D,
  statistics: Tensor1D,
  { input, targets }: Batch,
  seed: Tensor1D | undefined,
  mode: Mode,
): Pass {
  let updated: Tensor1D | undefined;
  let counted: Readonly<Record<string, Scalar>> = {};
  const lossAt = (parameters: Tensor): Scalar => {
    const pass = network.forward(parameters as Tensor1D, statistics, input, mode, seed);
    if (mode === 'training') updated = pass.statistics;
    counted = task.count(pass.output, targets);
    rescue([...(updated === undefined ? [] : [updated]), ...Object.values(counted)]);
    return task.loss(pass.output, targets);
  };
  const { value, grad } = tf.valueAndGrad(lossAt)(w);
  adopt([...(updated === undefined ? [] : [updated]), ...Object.values(counted)]);
  return { gradient: grad as Tensor1D, loss: value, counted, statistics: updated ?? statistics };
}

/** `count` examples in `parts` parts, or one each where there are fewer; sizes differ by at most 1. */
function partSizes(count: number, parts: number): number[] {
  const cuts = Math.min(parts, count);
  return Array.from(
    { length: cuts },
    (_, i) => Math.floor(((i + 1) * count) / cuts) - Math.floor((i * count) / cuts),
  );
}

/** Examples `begin` to `begin + size` of a batch; all of it is computed in the scope in force. */
function cut({ input, targets }: Batch, begin: number, size: number): Batch {
  const cutTargets: Targets = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, tf.slice(target, begin, size)]),
  );
  return { input: tf.slice(input, begin, size), targets: cutTargets };
}
