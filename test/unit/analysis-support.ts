// Objectives that are quadratic functions: all their curvature is known.
import type { Product } from '../../src/analysis/vectors.js';
import type { Objective } from '../../src/session/objective.js';
import { fill } from '../native/support/golden.js';
import { goldenQuadratic } from '../support/golden-analysis.js';

type Matrix = readonly (readonly number[])[];

export interface Quadratic extends Objective {
  readonly loss: (w: Float32Array) => Promise<number>;
  readonly hessianProduct: Product;
  /** How often each was asked. */
  readonly asked: { products: number; losses: number; gradients: number };
}

/** (w - c)' A (w - c) / 2, in float64 but for what an Objective rounds. */
export function quadratic(A: Matrix, c: ArrayLike<number>, w: Float32Array): Quadratic {
  const asked = { products: 0, losses: 0, gradients: 0 };
  const gradientAt = (at: Float32Array): number[] =>
    times(
      A,
      [...at].map((x, i) => x - c[i]!),
    );
  const lossAt = (at: Float32Array): number => {
    const gradient = gradientAt(at);
    return at.reduce((sum, x, i) => sum + (x - c[i]!) * gradient[i]!, 0) / 2;
  };
  const hessianProduct = (v: Float32Array): Promise<Float32Array> => {
    asked.products++;
    return Promise.resolve(Float32Array.from(times(A, v)));
  };
  return {
    asked,
    size: w.length,
    tensors: [{ name: 'w', shape: [w.length], offset: 0 }],
    weights: w,
    loss: (at) => {
      asked.losses++;
      return Promise.resolve(lossAt(at));
    },
    lossAndGradient: (at) => {
      asked.gradients++;
      return Promise.resolve({ loss: lossAt(at), gradient: Float32Array.from(gradientAt(at)) });
    },
    hessianProduct,
    gaussNewtonProduct: hessianProduct,
    dispose: () => undefined,
  };
}

const times = (A: Matrix, v: ArrayLike<number>): number[] =>
  A.map((row) => row.reduce((sum, a, j) => sum + a * v[j]!, 0));

/** The matrix diag(values). */
export const diagonal = (values: readonly number[]): Matrix =>
  values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));

/** Q diag(values) Q with the reflection Q of the golden Householder vector. */
function reflected(values: readonly number[]): Matrix {
  const u = fill(900, values.length, 2);
  const square = u.reduce((sum, x) => sum + x * x, 0);
  const Q = values.map((_, i) =>
    values.map((_, j) => Number(i === j) - (2 * u[i]! * u[j]!) / square),
  );
  return Q.map((row) =>
    Q.map((other) => values.reduce((sum, value, k) => sum + row[k]! * value * other[k]!, 0)),
  );
}

/** A quadratic with these eigenvalues, at the golden w and centre. */
export const withSpectrum = (values: readonly number[]): Quadratic =>
  quadratic(reflected(values), fill(901, values.length, 2), fill(902, values.length, 2));

/** The `quadratic` of analysis.json. */
export const goldenObjective = (): Quadratic => withSpectrum(goldenQuadratic().spectrum);

/** `product` computed in float32, each sum and product rounded, as a device does. */
export const inFloat32 =
  (values: readonly number[]): Product =>
  (v) => {
    const { fround } = Math;
    const sums = reflected(values).map((row) =>
      row.reduce((sum, a, j) => fround(sum + fround(fround(a) * v[j]!)), 0),
    );
    return Promise.resolve(Float32Array.from(sums));
  };

/** All that a generator gives. */
export async function collected<T>(generator: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const one of generator) result.push(one);
  return result;
}
