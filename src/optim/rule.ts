// What an optimizer of the SAM family is: it chooses the gradient to descend along.
import type { Scalar, Tensor1D } from '../native/tensorflow.js';

/** State vectors [P] by name. */
export type Vectors = Readonly<Record<string, Tensor1D>>;
/** Numbers that change from step to step, fed to the graph. */
export type Scalars = Readonly<Record<string, Scalar>>;

/** A pass at some w: its gradient, with whatever else the caller measured there. */
export interface AnyPass {
  /** Of the mini-batch loss, no weight decay in it. [P] */
  readonly gradient: Tensor1D;
}

type GradientAt<P extends AnyPass> = (w: Tensor1D) => P;

/** A part of a batch, for those that are worked through part by part. */
export interface BatchPart<P extends AnyPass> {
  /** Its share of the batch's images; all parts' are 1 together. */
  readonly share: number;
  /** Gradients of this part's loss; computed only when `after` are, so that parts take turns. */
  readonly gradientAt: (after: readonly Tensor1D[]) => GradientAt<P>;
}

export interface Chosen<P extends AnyPass> {
  /** To descend along. [P] */
  readonly gradient: Tensor1D;
  readonly state: Vectors;
  /** The pass at w. */
  readonly first: P;
  /** The pass at w + eps, and the direction d that eps points along. */
  readonly perturbed?: { readonly pass: P; readonly direction: Tensor1D };
}

/**
 * A function from "gradient at w" to the gradient to descend along, with state of its own. Nothing
 * is mutated.
 */
export interface Rule {
  /** Names of its state vectors; all start at 0. */
  readonly state: readonly string[];
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number) => Readonly<Record<string, number>>;
  readonly choose: <P extends AnyPass>(
    gradientAt: GradientAt<P>,
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
  ) => Chosen<P>;
}

/** Descends along a given gradient; knows nothing of where it comes from. */
export interface Descent {
  readonly state: readonly string[];
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  readonly apply: (
    w: Tensor1D,
    gradient: Tensor1D,
    state: Vectors,
    scalars: Scalars,
  ) => { readonly w: Tensor1D; readonly state: Vectors };
}

/** The plain rule: descend along the gradient at w. */
export const plain: Rule = {
  state: [],
  scalars: () => ({}),
  choose: (gradientAt, w) => {
    const first = gradientAt(w);
    return { gradient: first.gradient, state: {}, first };
  },
};
