// The Lanczos method: a growing orthonormal basis in which a symmetric matrix A [P P] is tridiagonal.
//
// Lanczos (1950); Golub and Van Loan, "Matrix Computations", section 10.1. Each new vector is made
// orthogonal to all before it, twice: without that, rounding brings vectors back that the basis has, and
// the largest eigenvalues come out two or three times.
import { InternalError, required, RunError } from '../util/errors.js';
import { randomStream, type RandomStream } from '../util/random.js';
import { removeProjections } from './orthogonal.js';
import { divided, drawNormal, norm, type Product } from './vectors.js';

/**
 * What is known after k products. Plain numbers: saved and read back, it goes on to the same bits. A step
 * adds one vector to `basis` and changes none.
 */
export interface LanczosState {
  /** Orthonormal, [P] each: k, and the one that is multiplied next unless they span the whole space. */
  readonly basis: readonly Float32Array[];
  /** The diagonal of T: k numbers. */
  readonly alpha: readonly number[];
  /** What couples vector i and i + 1: k numbers. 0 where those up to i span a space of their own. */
  readonly beta: readonly number[];
}

/** Below this share of |T|, beta is rounding: A's product has seven digits. */
const BREAKDOWN = 1e-6;

/** Where the first vector is drawn (step 0), and another where the space of the earlier ones is used up. */
export const startStream = (seed: number, step: number): RandomStream =>
  randomStream(seed, 'krylov-start', step);

/** No products yet; begins with `vector` [P], of any length but 0. */
export function lanczosFrom(vector: Float32Array): LanczosState {
  const length = norm(vector);
  if (!(length > 0 && length < Infinity)) {
    throw new InternalError(`a start of Lanczos of length ${length}`);
  }
  return { basis: [divided(vector, length)], alpha: [], beta: [] };
}

/** Whether the space of the vectors multiplied is A's own: T's eigenvalues are A's there, and no step adds to them. */
export const isClosed = ({ beta }: LanczosState): boolean => beta.at(-1) === 0;

/**
 * One product more. Where the space is closed, T gets a 0 there and the basis goes on with a vector of
 * `restart` that is orthogonal to it, so that T never has a gap: other copies of a repeated
 * eigenvalue are found in that way only.
 */
export async function lanczosStep(
  product: Product,
  state: LanczosState,
  restart: (step: number) => RandomStream,
): Promise<LanczosState> {
  const step = state.alpha.length;
  const last = required(state.basis[step], 'a vector to multiply');
  const rest = new Float64Array(await product(last));
  const along = removeProjections(rest, state.basis);
  const alpha = [...state.alpha, along[step] as number];
  removeProjections(rest, state.basis);
  const beta = norm(rest);
  if (!Number.isFinite(beta)) {
    throw new RunError(`product ${step + 1} of the Lanczos method is not finite`);
  }
  const isWhole = state.basis.length === rest.length;
  if (isWhole) return { basis: state.basis, alpha, beta: [...state.beta, 0] };
  const size = Math.max(...alpha.map((a, i) => Math.abs(a) + (state.beta[i] ?? beta)));
  return beta > BREAKDOWN * size
    ? {
        basis: [...state.basis, divided(rest, beta)],
        alpha,
        beta: [...state.beta, beta],
      }
    : {
        basis: [...state.basis, orthogonalDraw(state.basis, rest.length, restart(step + 1))],
        alpha,
        beta: [...state.beta, 0],
      };
}

/** A random unit vector [size] that is orthogonal to `basis`. */
function orthogonalDraw(
  basis: readonly Float32Array[],
  size: number,
  stream: RandomStream,
): Float32Array {
  const vector = new Float64Array(drawNormal(size, stream));
  removeProjections(vector, basis);
  removeProjections(vector, basis);
  return divided(vector, norm(vector));
}
