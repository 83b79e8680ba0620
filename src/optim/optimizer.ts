// An optimizer by its configuration: a rule that chooses the gradient over a descent that applies
// it. The door of this folder.
import { OPTIMIZERS } from '../catalogue/optimizers.js';
import type { OptimizerConfig } from '../catalogue/schema.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import { required } from '../util/errors.js';
import { adamw } from './adamw.js';
import { fsam } from './fsam.js';
import {
  plain,
  type Chosen,
  type Descent,
  type AnyPass,
  type BatchPart,
  type Rule,
  type Scalars,
  type Vectors,
} from './rule.js';
import { sam } from './sam.js';
import { sgd } from './sgd.js';
import { clipped, scaled } from './vector.js';
import { whereDecayed, type WhereDecayed } from './weight-decay.js';

export interface Optimizer {
  /** Names of its state vectors [P]; all start at 0. */
  readonly state: readonly string[];
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  /**
   * One step from w [P] on a batch in one or more parts. Each part chooses its gradient by itself,
   * from the same w and state, and the step descends along the mean of them (the m of
   * m-sharpness). The rule's state is the mean of what the parts make of it: F-SAM's moving
   * average, which is linear in the gradient, so takes in the gradient of the whole batch.
   */
  readonly step: <P extends AnyPass>(
    parts: readonly BatchPart<P>[],
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
  ) => Step<P>;
}

interface Step<P extends AnyPass> {
  readonly w: Tensor1D;
  readonly state: Vectors;
  /** Of the batch at w: the mean over the parts. [P] */
  readonly gradient: Tensor1D;
  /** What each part chose. */
  readonly chosen: readonly Chosen<P>[];
}

const RULES: Readonly<Record<OptimizerConfig['name'], (config: OptimizerConfig) => Rule>> = {
  sgd: () => plain,
  adamw: () => plain,
  sam,
  fsam,
};

type CreateDescent = (config: OptimizerConfig, where: WhereDecayed) => Descent;

const DESCENTS: Readonly<Record<OptimizerConfig['base'], CreateDescent>> = { sgd, adamw };

/** `parameters`: the tensors that w [P] is cut into. */
export function createOptimizer(
  config: OptimizerConfig,
  parameters: readonly TensorSpec[],
): Optimizer {
  const rule = RULES[config.name](config);
  const base = OPTIMIZERS[config.name].descent ?? config.base;
  const descent = DESCENTS[base](config, whereDecayed(config, parameters));
  return {
    state: [...descent.state, ...rule.state],
    scalars: (step, learningRate) => ({
      ...descent.scalars(step, learningRate),
      ...rule.scalars(step),
    }),
    step: (parts, w, state, scalars) => {
      const { mean, chosen } = chooseInTurn(rule, parts, w, state, scalars);
      const { clipNorm } = config;
      const gradient = clipNorm === null ? mean.gradient : clipped(mean.gradient, clipNorm);
      const next = descent.apply(w, gradient, state, scalars);
      return {
        w: next.w,
        state: { ...next.state, ...mean.state },
        gradient: mean.atW,
        chosen,
      };
    },
  };
}

/** Vectors [P] that are averaged over the parts of a batch. */
interface Mean {
  /** To descend along. */
  readonly gradient: Tensor1D;
  readonly atW: Tensor1D;
  readonly state: Vectors;
}

/** One part after the other, with running means, so that one part's tensors are there at a time. */
function chooseInTurn<P extends AnyPass>(
  rule: Rule,
  parts: readonly BatchPart<P>[],
  w: Tensor1D,
  state: Vectors,
  scalars: Scalars,
): { mean: Mean; chosen: Chosen<P>[] } {
  let sum: Mean | undefined;
  const chosen = parts.map(({ share, gradientAt }) => {
    const after = sum === undefined ? [] : [sum.gradient, sum.atW, ...Object.values(sum.state)];
    const one = rule.choose(gradientAt(after), w, state, scalars);
    const vectors = { gradient: one.gradient, atW: one.first.gradient, state: one.state };
    sum = added(sum, vectors, share);
    return one;
  });
  return { mean: required(sum, 'a part of the batch'), chosen };
}

/** sum + share * vectors; the vectors themselves where they are the whole. */
function added(sum: Mean | undefined, vectors: Mean, share: number): Mean {
  const weighted = (x: Tensor1D) => (share === 1 ? x : scaled(x, share));
  const plus = (total: Tensor1D | undefined, x: Tensor1D) =>
    total === undefined ? weighted(x) : tf.add<Tensor1D>(total, weighted(x));
  const gradient = plus(sum?.gradient, vectors.gradient);
  // Without a climb both are one vector.
  const same = vectors.gradient === vectors.atW;
  return {
    gradient,
    atW: same ? gradient : plus(sum?.atW, vectors.atW),
    state: Object.fromEntries(
      Object.entries(vectors.state).map(([name, x]) => [name, plus(sum?.state[name], x)]),
    ),
  };
}
