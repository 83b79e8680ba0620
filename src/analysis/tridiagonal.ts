// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix.
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { InternalError } from '../util/errors.js';

export interface Eigenpair {
  readonly value: number;
  /** Of length 1. */
  readonly vector: Float64Array;
}

/**
 * All eigenpairs of T, values ascending.
 *
 * @param diagonal [k]
 * @param beside what couples i and i + 1, for i from 0 to k - 2; more is left alone
 */
export function tridiagonalEigenpairs(
  diagonal: readonly number[],
  beside: readonly number[],
): Eigenpair[] {
  const size = diagonal.length;
  if (size === 0) return [];
  const matrix = Matrix.zeros(size, size);
  for (let i = 0; i < size; i++) {
    matrix.set(i, i, diagonal[i] as number);
    if (i === size - 1) break;
    matrix.set(i, i + 1, beside[i] as number);
    matrix.set(i + 1, i, beside[i] as number);
  }
  // The QR steps would not end.
  if (!Number.isFinite(matrix.sum())) {
    throw new InternalError('eigenvalues of a matrix with numbers that are not finite');
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return realEigenvalues.map((value, j) => ({
    value,
    vector: Float64Array.from(eigenvectorMatrix.getColumn(j)),
  }));
}
