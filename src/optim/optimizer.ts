// An optimizer by its configuration: a rule that chooses the gradient over a descent that applies
// it. The door of this folder.
import type { OptimizerConfig } from '../config/schema.js';
import type { Tensor1D } from '../native/tensorflow.js';
import { adamw } from './adamw.js';
import { fsam } from './fsam.js';
import {
  plain,
  type Chosen,
  type Descent,
  type Evaluated,
  type GradientAt,
  type Rule,
  type Scalars,
  type Vectors,
} from './rule.js';
import { sam } from './sam.js';
import { sgd } from './sgd.js';
import { clipped } from './vector.js';

export interface Optimizer {
  /** Names of its state vectors [P]; all start at 0. */
  readonly state: readonly string[];
  /** Whether a step has a second pass, at w + eps. */
  readonly perturbs: boolean;
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  /** One step from w [P]; `gradientAt` is called once or twice. */
  readonly step: <P extends Evaluated>(
    gradientAt: GradientAt<P>,
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
  ) => { readonly w: Tensor1D; readonly state: Vectors; readonly chosen: Chosen<P> };
}

export function createOptimizer(config: OptimizerConfig): Optimizer {
  const rule = ruleOf(config);
  const descent = descentOf(config);
  return {
    state: [...descent.state, ...rule.state],
    perturbs: rule !== plain,
    scalars: (step, learningRate) => ({
      ...descent.scalars(step, learningRate),
      ...rule.scalars(step),
    }),
    step: (gradientAt, w, state, scalars) => {
      const chosen = rule.choose(gradientAt, w, state, scalars);
      const { clipNorm } = config;
      const gradient = clipNorm === null ? chosen.gradient : clipped(chosen.gradient, clipNorm);
      const next = descent.apply(w, gradient, state, scalars);
      return { w: next.w, state: { ...next.state, ...chosen.state }, chosen };
    },
  };
}

function ruleOf(config: OptimizerConfig): Rule {
  switch (config.name) {
    case 'sgd':
    case 'adamw':
      return plain;
    case 'sam':
      return sam(config);
    case 'asam':
      return sam({ ...config, adaptive: true });
    case 'fsam':
      return fsam(config);
    case 'fasam':
      return fsam({ ...config, adaptive: true });
    default:
      return config.name satisfies never;
  }
}

function descentOf(config: OptimizerConfig): Descent {
  const base = config.name === 'sgd' || config.name === 'adamw' ? config.name : config.base;
  switch (base) {
    case 'sgd':
      return sgd(config);
    case 'adamw':
      return adamw(config);
    default:
      return base satisfies never;
  }
}
