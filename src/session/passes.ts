// The passes of a training step: forward and back at w and, where the optimizer climbs, at w + eps,
// for each part of a batch.
import type { Tensors } from '../graph/program.js';
import { sumsOver, type Workers } from '../graph/workers.js';
import { identity } from '../native/kernels.js';
import { adopt, nameScope, onDevice, rescue, runAfter } from '../native/scope.js';
import { tf, type Scalar, type Tensor, type Tensor1D } from '../native/tensorflow.js';
import type { Mode, Network } from '../nn/network.js';
import type { Optimizer } from '../optim/optimizer.js';
import { gradientOf } from '../optim/parts.js';
import type { BatchPart, Everywhere, Group } from '../optim/rule.js';
import { scaled } from '../optim/vector.js';
import { required } from '../util/errors.js';
import { cutRange, type Range } from '../util/ranges.js';
import type { Found, Pass } from './measure.js';
import type { Batch, Targets } from './batch.js';
import { vector } from './slot.js';
import type { Task } from './task.js';

/** What a step of training consists of. */
export interface Learner {
  readonly network: Network;
  readonly optimizer: Optimizer;
  readonly task: Pick<Task, 'loss' | 'count'>;
  /** Parts that a device's share of a batch is cut into. */
  readonly microBatches: number;
  /** Devices that a batch is cut among; left out: 1. */
  readonly devices?: number;
  /** Processes that a batch is cut among before; left out or null: there is one. */
  readonly workers?: Workers | null | undefined;
}

/** What a step leaves, and what its passes found. */
interface Trained extends Found {
  readonly state: Tensors;
}

/** A batch, or the share of it that this process has. */
export interface Shared {
  readonly batch: Batch;
  /** Examples of the whole batch. */
  readonly whole: number;
}

export const wholly = (batch: Batch): Shared => ({ batch, whole: batch.input.shape[0] });

/**
 * One step of the optimizer on a batch, part by part. BatchNorm normalises every part by itself;
 * running statistics take one part of a device after the other, each as its pass at w leaves them, and are the mean
 * over devices and workers by their shares of the batch. The pass at w + eps leaves none behind. Every pass has
 * random numbers of its own.
 *
 * @param seed [2], for networks that draw random numbers
 * @param kind of the step, of the optimizer's
 */
export function trainOn(
  { optimizer, ...learner }: Learner,
  batch: Shared,
  seed: Tensor1D | undefined,
  state: Tensors,
  scalars: Tensors,
  kind: string,
): Trained {
  const passes = optimizer.kinds.byName[kind]?.climbs === true ? 2 : 1;
  const cuts = cutToParts(learner, batch, seed, state, 'training', passes);
  const { everywhere, statistics } = withStatistics(cuts, learner);
  const step = optimizer.step(
    cuts.groups,
    vector(state, 'parameters'),
    state as Record<string, Tensor1D>,
    scalars as Record<string, Scalar>,
    kind,
    everywhere,
  );
  const { w, state: vectors, gradient, chosen } = step;
  return {
    state: { parameters: w, statistics: statistics(), ...vectors },
    gradient,
    parts: chosen.map((part, i) => ({ ...part, share: required(cuts.shares[i], 'a part') })),
  };
}

/**
 * Loss and gradient [P] of a batch at the weights of `state`, part by part as a step takes them, and the running
 * statistics [S] after it. In `evaluation` BatchNorm goes by those of `state`, which stay as they are.
 */
export function gradientOn(
  learner: Omit<Learner, 'optimizer' | 'workers'>,
  batch: Shared,
  seed: Tensor1D | undefined,
  state: Tensors,
  mode: Mode,
): Pick<Pass, 'gradient' | 'loss' | 'statistics'> {
  const { groups, shares, statistics } = cutToParts(learner, batch, seed, state, mode, 1);
  const { gradient, passes } = gradientOf(groups, vector(state, 'parameters'));
  const loss = passes
    .map((pass, i) => tf.mul<Scalar>(pass.loss, required(shares[i], 'a part')))
    .reduce((sum, one) => tf.add<Scalar>(sum, one));
  return { gradient, loss, statistics: statistics() };
}

/** Sums over all workers, the first of which takes in the statistics: one collective a pass. */
function withStatistics(
  cuts: Cuts,
  { workers = null }: Pick<Learner, 'workers'>,
): { readonly everywhere: Everywhere; readonly statistics: () => Tensor1D } {
  let statistics: Tensor1D | undefined;
  return {
    everywhere: (vectors) => {
      if (statistics !== undefined) return sumsOver(workers, vectors);
      const [own, ...sums] = sumsOver(workers, [cuts.statistics(), ...vectors]);
      statistics = own;
      return sums;
    },
    statistics: () => required(statistics, 'the statistics after a pass'),
  };
}

interface Cuts {
  /** One a device. */
  readonly groups: readonly Group<Pass>[];
  /** Of the batch's examples, part by part. */
  readonly shares: readonly number[];
  /** As the first passes of all parts have left them. */
  readonly statistics: () => Tensor1D;
}

/** @param passes that a part goes through */
function cutToParts(
  { network, task, microBatches, devices = 1, workers = null }: Omit<Learner, 'optimizer'>,
  { batch, whole }: Shared,
  seed: Tensor1D | undefined,
  state: Tensors,
  mode: Mode,
  passes: number,
): Cuts {
  const all = cutRange({ begin: 0, size: whole }, workers?.count ?? 1).map((range) =>
    cutRange(range, devices).map((one) => ({ range: one, parts: cutRange(one, microBatches) })),
  );
  const own = required(all[workers?.index ?? 0], 'a share of the batch');
  const here = batch.input.shape[0];
  const begin = required(own[0], 'a device').range.begin;
  const before = vector(state, 'statistics');
  // Numbers of passes go through the parts of all workers.
  let part = all
    .slice(0, workers?.index ?? 0)
    .flat()
    .reduce((sum, { parts }) => sum + parts.length, 0);
  const cuts = own.map(({ range, parts: ranges }, device) => {
    let statistics = before;
    const parts = ranges.map((one): BatchPart<Pass> => {
      const firstPass = passes * part++;
      let pass = 0;
      let examples: Batch | undefined;
      let began = before;
      const gradientAt: BatchPart<Pass>['gradientAt'] = (w, after) => {
        const isFirst = pass === 0;
        if (isFirst) began = statistics;
        examples ??=
          one.size === here
            ? batch
            : // Where the batch is: a device is sent its part alone.
              onDevice(0, () =>
                runAfter(after, () => cutOf(batch, { ...one, begin: one.begin - begin })),
              );
        const place = after.length > 0 ? runAfter(after, () => identity(w)) : w;
        const number = firstPass + pass++;
        const drawn = seed && tf.add<Tensor1D>(seed, tf.tensor1d([number, 0], 'int32'));
        const of = examples;
        const found = nameScope(isFirst ? 'first_pass' : 'second_pass', () =>
          passAt(network, task, place, began, of, drawn, mode),
        );
        if (isFirst) ({ statistics } = found);
        return found;
      };
      return { share: one.size / whole, gradientAt };
    });
    const inPlace: Group<Pass>['inPlace'] = (body) =>
      devices === 1 ? body() : onDevice(device, body);
    return { parts, inPlace, share: range.size / whole, statistics: () => statistics };
  });
  return {
    groups: cuts,
    shares: cuts.flatMap(({ parts }) => parts.map(({ share }) => share)),
    statistics: () =>
      cuts
        .map(({ share, statistics }) => (share === 1 ? statistics() : scaled(statistics(), share)))
        .reduce((sum, one) => tf.add<Tensor1D>(sum, one)),
  };
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

/** These examples of a batch; all of it is computed in the scope in force. */
function cutOf({ input, targets }: Batch, { begin, size }: Range): Batch {
  const cutTargets: Targets = Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, tf.slice(target, begin, size)]),
  );
  return { input: tf.slice(input, begin, size), targets: cutTargets };
}
