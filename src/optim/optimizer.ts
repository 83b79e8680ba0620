// An optimizer by its configuration: a rule that chooses the gradient over a descent that applies
// it. The door of this folder.
import { climbs, descentOf } from '../catalogue/optimizers.js';
import type { OptimizerConfig } from '../catalogue/schema.js';
import type { Tensor1D } from '../native/tensorflow.js';
import type { TensorSpec } from '../nn/layout.js';
import { adamw } from './adamw.js';
import { createClimber, type Climber } from './climb.js';
import { fsam } from './fsam.js';
import { samFull, samNoise } from './full.js';
import { gsam } from './gsam.js';
import { byLayer } from './layer-decay.js';
import { looksam } from './looksam.js';
import { msam } from './msam.js';
import { chooseByParts, chooseTogether } from './parts.js';
import {
  ALIKE,
  plain,
  type Chosen,
  type Descent,
  type AnyPass,
  type Everywhere,
  type GradientAt,
  type Group,
  type Rule,
  type Scalars,
  type StepKinds,
  type Vectors,
} from './rule.js';
import { sam } from './sam.js';
import type { Choose } from './selection.js';
import { sgd } from './sgd.js';
import { clipped } from './vector.js';
import { vasso } from './vasso.js';
import { whereDecayed } from './weight-decay.js';

export interface Optimizer {
  /** Names of its state vectors [P]; all start at 0. */
  readonly state: readonly string[];
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  readonly kinds: StepKinds;
  /** Whether each part of a batch climbs by itself, or all to where the gradient of the whole decides. */
  readonly perturbation: OptimizerConfig['perturbation'];
  /**
   * One step from w [P] on a batch in one or more parts. With `perturbation: own` each part chooses
   * its gradient by itself, from the same w and state, and the step descends along the mean of them
   * (the m of m-sharpness). F-SAM's moving average takes in the gradient of the whole batch; other state of
   * the rule is the mean of what the parts make of it. With `shared` the gradient of the whole batch decides
   * where all climb to.
   *
   * @param kind one of `kinds`
   * @param everywhere sums over the processes that have other parts of the batch
   */
  readonly step: <P extends AnyPass>(
    groups: readonly Group<P>[],
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
    kind: string,
    everywhere: Everywhere,
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
  const shortened = byLayer(config.layerDecay, parameters);
  return {
    state: [...descent.state, ...rule.state],
    scalars: (step, learningRate) => ({
      ...descent.scalars(step, learningRate),
      ...rule.scalars(step, learningRate),
    }),
    perturbation: config.perturbation,
    kinds: rule.kinds ?? { byName: { [ALIKE]: { climbs: climbs(config) } }, at: () => ALIKE },
    step: (groups, w, state, scalars, kind, everywhere) => {
      const choose = <P extends AnyPass>(gradientAt: GradientAt<P>): Chosen<P> =>
        rule.choose(gradientAt, w, state, scalars, kind);
      const { clipNorm, perturbation } = config;
      const { mean, chosen } =
        perturbation === 'own'
          ? chooseByParts(groups, choose, everywhere)
          : chooseTogether(groups, choose, everywhere);
      const gradient = clipNorm === null ? mean.gradient : clipped(mean.gradient, clipNorm);
      // All parts move to the same place.
      const decayAt = chosen[0]?.decayAt ?? w;
      const next = descent.apply(w, gradient, state, scalars, decayAt);
      return {
        w: shortened(w, next.w),
        state: { ...next.state, ...mean.state, ...rule.follow?.(mean.atW, state, scalars) },
        gradient: mean.atW,
        chosen,
      };
    },
  };
}
