// One network under training: its state, and the steps that change it. The door of this folder.
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/dataset.js';

/** A named piece of a flat vector: `offset` and the product of `shape` say where it lies. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
}

/** What one training step tells. Losses are means over the batch, `correct` counts images. */
export interface StepResult {
  /** Images in the batch. */
  readonly images: number;
  /** Of the first pass, at w. */
  readonly loss: number;
  readonly correct: number;
  /** Of the second pass, at w + eps; NaN for optimizers that have only one. */
  readonly perturbedLoss: number;
  readonly perturbedCorrect: number;
  /** L2 norm of the gradient at w. */
  readonly gradientNorm: number;
  /** Cosine of the climb direction d and the gradient at w; NaN for optimizers that do not climb. */
  readonly perturbationCosine: number;
}

export interface Evaluation {
  readonly images: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly correct: number;
}

/**
 * The whole state of training, host copies of what lives on the device: `parameters` [P], `statistics` [S] (BatchNorm), and
 * the optimizer's vectors [P] under their own names (`momentum`, `ema`, `firstMoment`, `secondMoment`).
 */
export type State = ReadonlyMap<string, Float32Array>;

export interface Engine {
  /** How `parameters` [P] and `statistics` [S] are cut into named tensors (names of the authors' PyTorch code, layout HWIO / IO). */
  readonly parameterLayout: readonly TensorSpec[];
  readonly statisticLayout: readonly TensorSpec[];
  /** Names of the entries of the state, `parameters` and `statistics` first. */
  readonly stateNames: readonly string[];
  /** Readable description for `fsam graph`. */
  describe(): string;
  /**
   * Runs training step `step` (0-based, over the whole run) on the training images `indices` [B]. Augmentation is drawn from the
   * stream (seed, augmentation, step).
   */
  trainStep(step: number, indices: Int32Array, learningRate: number): StepResult;
  /** Loss and correct answers over a whole set, without augmentation, BatchNorm in evaluation mode. */
  evaluate(split: 'train' | 'test'): Evaluation;
  readState(): State;
  /** Throws an InternalError where a name or length differs from this engine's. */
  writeState(state: State): void;
  dispose(): void;
}

export interface EngineOptions {
  readonly mode: 'compiled' | 'eager';
}

/** Builds the network of `config` for `dataset`, initialises it from the seed, and compiles its steps. */
export type CreateEngine = (config: Config, dataset: Dataset, options: EngineOptions) => Engine;
