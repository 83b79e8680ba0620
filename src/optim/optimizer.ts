// An optimizer by its configuration: a rule that chooses the gradient over a descent that applies
// it. The door of this folder.
import { climbs, descentOf } from '../catalogue/optimizers.js';
import type { OptimizerConfig } from '../catalogue/schema.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import { required } from '../util/errors.js';
import { adamw } from './adamw.js';
import { createClimber, type Climber } from './climb.js';
import { fsam } from './fsam.js';
import { samFull, samNoise } from './full.js';
import { gsam } from './gsam.js';
import { looksam } from './looksam.js';
import { msam } from './msam.js';
import {
  ALIKE,
  plain,
  type Chosen,
  type Descent,
  type AnyPass,
  type BatchPart,
  type GradientAt,
  type Rule,
  type Scalars,
  type StepKinds,
  type Vectors,
} from './rule.js';
import { sam } from './sam.js';
import type { Choose } from './selection.js';
import { sgd } from './sgd.js';
import { clipped, scaled } from './vector.js';
import { vasso } from './vasso.js';
import { whereDecayed } from './weight-decay.js';

export interface Optimizer {
  /** Names of its state vectors [P]; all start at 0. */
  readonly state: readonly string[];
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  readonly kinds: StepKinds;
  /**
   * One step from w [P] on a batch in one or more parts. Each part chooses its gradient by itself,
   * from the same w and state, and the step descends along the mean of them (the m of
   * m-sharpness). The rule's state is the mean of what the parts make of it: F-SAM's moving
   * average, which is linear in the gradient, so takes in the gradient of the whole batch.
   *
   * @param kind one of `kinds`
   */
  readonly step: <P extends AnyPass>(
    parts: readonly BatchPart<P>[],
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
    kind: string,
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

type CreateRule = (
  config: OptimizerConfig,
  parameters: readonly TensorSpec[],
  largestRate: number,
) => Rule;

/** A rule that climbs, fed the numbers of its climb besides its own. */
const climbing =
  (create: (config: OptimizerConfig, climber: Climber) => Rule): CreateRule =>
  (config, parameters, largestRate) => {
    const climber = createClimber(config, parameters, largestRate);
    const rule = create(config, climber);
    return { ...rule, scalars: (...at) => ({ ...rule.scalars(...at), ...climber.scalars(...at) }) };
  };

const RULES: Readonly<Record<OptimizerConfig['name'], CreateRule>> = {
  sgd: () => plain,
  adamw: () => plain,
  sam: climbing(sam),
  fsam: climbing(fsam),
  vasso: climbing(vasso),
  gsam: climbing(gsam),
  looksam: climbing(looksam),
  'sam-full': climbing(samFull),
  'sam-noise': climbing(samNoise),
  msam,
};

type CreateDescent = (config: OptimizerConfig, where: Choose) => Descent;

const DESCENTS: Readonly<Record<OptimizerConfig['base'], CreateDescent>> = { sgd, adamw };

/**
 * @param parameters the tensors that w [P] is cut into
 * @param largestRate the learning rate that the schedule begins with
 *
 * Errors: UserError where the configuration does not fit the parameters.
 */
export function createOptimizer(
  config: OptimizerConfig,
  parameters: readonly TensorSpec[],
  largestRate: number,
): Optimizer {
  const rule = RULES[config.name](config, parameters, largestRate);
  const base = descentOf(config);
  const descent = DESCENTS[base](config, whereDecayed(config, parameters));
  return {
    state: [...descent.state, ...rule.state],
    scalars: (step, learningRate) => ({
      ...descent.scalars(step, learningRate),
      ...rule.scalars(step, learningRate),
    }),
    kinds: rule.kinds ?? { byName: { [ALIKE]: { climbs: climbs(config) } }, at: () => ALIKE },
    step: (parts, w, state, scalars, kind) => {
      const { mean, chosen } = chooseInTurn(parts, (gradientAt) =>
        rule.choose(gradientAt, w, state, scalars, kind),
      );
      const { clipNorm } = config;
      const gradient = clipNorm === null ? mean.gradient : clipped(mean.gradient, clipNorm);
      // All parts move to the same place.
      const decayAt = chosen[0]?.decayAt ?? w;
      const next = descent.apply(w, gradient, state, scalars, decayAt);
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
  parts: readonly BatchPart<P>[],
  choose: (gradientAt: GradientAt<P>) => Chosen<P>,
): { mean: Mean; chosen: Chosen<P>[] } {
  let sum: Mean | undefined;
  const chosen = parts.map(({ share, gradientAt }) => {
    const after = sum === undefined ? [] : [sum.gradient, sum.atW, ...Object.values(sum.state)];
    const one = choose(gradientAt(after));
    const vectors = { gradient: one.gradient, atW: one.first.gradient, state: one.state };
    sum = added(sum, vectors, share);
    return one;
  });
  return { mean: required(sum, 'a part of the batch'), chosen };
}

/** The gradient [P] at w [P] of a batch in parts, each by itself: the mean over them; and their passes. */
export function gradientOf<P extends AnyPass>(
  parts: readonly BatchPart<P>[],
  w: Tensor1D,
): { readonly gradient: Tensor1D; readonly passes: readonly P[] } {
  const choose = (gradientAt: GradientAt<P>) => plain.choose(gradientAt, w, {}, {}, ALIKE);
  const { mean, chosen } = chooseInTurn(parts, choose);
  return { gradient: mean.gradient, passes: chosen.map(({ first }) => first) };
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
