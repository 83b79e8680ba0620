// The two matrices whose spectra are analysed, by their products.
import type { Objective } from '../session/objective.js';
import type { Product } from './vectors.js';

/** H, and J' (d2 loss / d outputs2) J. */
export const MATRICES = ['hessian', 'gauss-newton'] as const;
export type Matrix = (typeof MATRICES)[number];

export const productOf =
  (objective: Objective, matrix: Matrix): Product =>
  (v) =>
    matrix === 'hessian' ? objective.hessianProduct(v) : objective.gaussNewtonProduct(v);
