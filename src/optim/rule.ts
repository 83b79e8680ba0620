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

export type GradientAt<P extends AnyPass> = (w: Tensor1D) => P;

/** A part of a batch. */
export interface BatchPart<P extends AnyPass> {
  /** Its share of the batch's images; all parts' are 1 together. */
  readonly share: number;
  /** The gradient of this part's loss at w; computed only when `after` are, so that parts take turns. */
  readonly gradientAt: (w: Tensor1D, after: readonly Tensor1D[]) => P;
}

/** The sums over all processes that have parts of a batch, of vectors [N]; with one, the vectors themselves. */
export type Everywhere = (vectors: readonly Tensor1D[]) => readonly Tensor1D[];

/** Parts that take turns in one place; groups are worked through side by side. */
export interface Group<P extends AnyPass> {
  readonly parts: readonly BatchPart<P>[];
  /** Records what `body` computes there. */
  readonly inPlace: <T>(body: () => T) => T;
}

/** The pass at w + eps, and the way there. */
export interface Perturbed<P extends AnyPass> {
  readonly pass: P;
  /** Of the parameters that climb; 0 elsewhere. [P] */
  readonly direction: Tensor1D;
  /** eps [P] */
  readonly perturbation: Tensor1D;
}

export interface Chosen<P extends AnyPass> {
  /** To descend along. [P] */
  readonly gradient: Tensor1D;
  /** Where weight decay is taken; left out: at w. [P] */
  readonly decayAt?: Tensor1D;
  /** But for what follows from the gradient at w; left out: nothing. */
  readonly state?: Vectors;
  /** The pass at w. */
  readonly first: P;
  readonly perturbed?: Perturbed<P>;
}

/**
 * A function from "gradient at w" to the gradient to descend along, with state of its own. Nothing
 * is mutated.
 */
export interface Rule {
  /** Names of its state vectors; all start at 0. */
  readonly state: readonly string[];
  /** Its fed numbers at a step (0-based). */
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  /** Its steps, where they are not all alike. */
  readonly kinds?: StepKinds;
  /** @param state its own, and that of the descent */
  readonly choose: <P extends AnyPass>(
    gradientAt: GradientAt<P>,
    w: Tensor1D,
    state: Vectors,
    scalars: Scalars,
    kind: string,
  ) => Chosen<P>;
  /**
   * The state that follows from the gradient at w [P] alone: of a batch in parts, from their mean gradient. Left out:
   * none does.
   */
  readonly follow?: (gradient: Tensor1D, state: Vectors, scalars: Scalars) => Vectors;
}

/** The only kind, where all steps are alike. */
export const ALIKE = '';

/** Kinds of steps, each traced by itself. */
export interface StepKinds {
  readonly byName: Readonly<Record<string, StepKind>>;
  /** Of a step (0-based). */
  readonly at: (step: number) => string;
}

interface StepKind {
  readonly climbs: boolean;
  /** The state vectors that it gives a new value without reading them. */
  readonly overwrites?: readonly string[];
}

/** Descends along a given gradient, decayed as weights `decayAt` are; knows nothing of where it comes from. */
export interface Descent {
  readonly state: readonly string[];
  readonly scalars: (step: number, learningRate: number) => Readonly<Record<string, number>>;
  readonly apply: (
    w: Tensor1D,
    gradient: Tensor1D,
    state: Vectors,
    scalars: Scalars,
    decayAt: Tensor1D,
  ) => { readonly w: Tensor1D; readonly state: Vectors };
}

/** The plain rule: descend along the gradient at w. */
export const plain: Rule = {
  state: [],
  scalars: () => ({}),
  choose: (gradientAt, w) => {
    const first = gradientAt(w);
    return { gradient: first.gradient, first };
  },
};
