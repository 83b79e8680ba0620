// A loss over a fixed sample as a function of the weights: what the analysis of curvature asks.
import type { TensorSpec } from '../nn/layout.js';

/** A loss over a fixed sample as a function of the weights; all else is fixed. Vectors are host arrays [P]. */
export interface Objective {
  readonly size: number; // P
  readonly tensors: readonly TensorSpec[]; // what w is cut into (src/nn/layout.ts)
  readonly weights: Float32Array; // those analysed
  loss(w: Float32Array): Promise<number>; // mean over the sample
  lossAndGradient(w: Float32Array): Promise<{ loss: number; gradient: Float32Array }>;
  hessianProduct(v: Float32Array): Promise<Float32Array>; // H(weights) v
  gaussNewtonProduct(v: Float32Array): Promise<Float32Array>;
  dispose(): void;
}
