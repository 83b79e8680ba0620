// The largest and the smallest eigenvalues of a symmetric matrix of which only products are known.
import { required } from '../util/errors.js';
import { lanczosFrom, lanczosStep, startStream, type LanczosState } from './lanczos.js';
import { tridiagonalEigenpairs } from './tridiagonal.js';
import { combination, drawNormal, type Product } from './vectors.js';
import { countProducts, type Watch } from './watch.js';

export interface RitzPair {
  /** Signed. */
  readonly value: number;
  /** |A x - value x| for its unit vector x: A has an eigenvalue no further than that from `value`. */
  readonly residual: number;
  /** Whether `residual` is within the tolerance. */
  readonly converged: boolean;
  /** x in the basis [k]. */
  readonly coefficients: Float64Array;
}

export interface Extremes {
  /** The `top` largest, descending. */
  readonly top: readonly RitzPair[];
  /** The `bottom` smallest, ascending: the most negative first. */
  readonly bottom: readonly RitzPair[];
}

export interface ExtremesOptions {
  readonly top: number;
  readonly bottom: number;
  /** Products at most. */
  readonly steps: number;
  readonly seed: number;
  /** Of residuals, relative to the largest |Ritz value|; TOLERANCE by default. */
  readonly tolerance?: number;
  /** To go on from. */
  readonly state?: LanczosState;
  /** Told the state after each product, to save it. */
  readonly onState?: (state: LanczosState) => void | Promise<void>;
}

/**
 * The error of an eigenvalue is far below its residual (at most its square over the distance to the next
 * eigenvalue), and products in float32 do not allow for much less.
 */
const TOLERANCE = 1e-4;

/**
 * Lanczos from a random vector until each of the wanted pairs is within the tolerance, or `steps`. Copies
 * of a repeated eigenvalue beyond the first are seen only where the space of the first is used up.
 */
export async function findExtremes(
  product: Product,
  size: number,
  options: ExtremesOptions,
  watch: Watch = {},
): Promise<Extremes & { readonly state: LanczosState }> {
  const { seed, top, bottom, tolerance = TOLERANCE, steps } = options;
  const restart = (step: number) => startStream(seed, step);
  const wanted = { top: Math.min(top, size), bottom: Math.min(bottom, size) };
  let state = options.state ?? lanczosFrom(drawNormal(size, restart(0)));
  const most = Math.min(steps, size);
  const counter = countProducts(watch, most, state.alpha.length);
  const isFound = () => isDue(state) && areFound(ritzPairs(state, tolerance), wanted, tolerance);
  while (state.alpha.length < most && !isFound()) {
    state = await counter.next(() => lanczosStep(product, state, restart));
    await options.onState?.(state);
  }
  return { ...extremesOf(ritzPairs(state, tolerance), wanted), state };
}

/** A look at T costs k^3: after every tenth part more. By k alone, so that a run that was resumed ends alike. */
function isDue({ alpha: { length } }: LanczosState): boolean {
  return length % Math.max(1, Math.floor(length / 10)) === 0;
}

/** A pair, and which of the closed spaces it is of. */
interface PairOfSpace extends RitzPair {
  readonly space: number;
}

/** All Ritz pairs, values descending. */
export function ritzPairs(state: LanczosState, tolerance = TOLERANCE): PairOfSpace[] {
  const { alpha, beta } = state;
  const found: Omit<PairOfSpace, 'converged'>[] = [];
  for (let [space, from] = [0, 0]; from < alpha.length; space++) {
    const closed = beta.indexOf(0, from) + 1;
    const to = closed === 0 ? alpha.length : closed;
    const pairs = tridiagonalEigenpairs(alpha.slice(from, to), beta.slice(from, to));
    for (const { value, vector } of pairs) {
      const coefficients = new Float64Array(alpha.length);
      coefficients.set(vector, from);
      const residual = Math.abs((beta[to - 1] as number) * (vector.at(-1) as number));
      found.push({ value, residual, coefficients, space });
    }
    from = to;
  }
  const allowed = tolerance * Math.max(...found.map(({ value }) => Math.abs(value)));
  return found
    .map((pair) => ({ ...pair, converged: pair.residual <= allowed }))
    .sort((one, other) => other.value - one.value);
}

type Wanted = Pick<ExtremesOptions, 'top' | 'bottom'>;

/** The pairs at both ends of `pairs`; fewer where there are fewer. */
function extremesOf<P>(pairs: readonly P[], { top, bottom }: Wanted) {
  return { top: pairs.slice(0, top), bottom: pairs.toReversed().slice(0, bottom) };
}

/**
 * Whether the wanted pairs are there. In a closed space all have converged, though what is outside may be
 * larger, copies among it: so the next space is looked at, until one has nothing that belongs among those wanted.
 */
function areFound(pairs: readonly PairOfSpace[], wanted: Wanted, tolerance: number): boolean {
  const { top, bottom } = extremesOf(pairs, wanted);
  const spaces = Math.max(0, ...pairs.map(({ space }) => space + 1));
  const isClosedOnly = spaces === 1 && pairs.every(({ residual }) => residual === 0);
  if (isClosedOnly || top.length < wanted.top || bottom.length < wanted.bottom) return false;
  if (![...top, ...bottom].every(({ converged }) => converged)) return false;
  if (spaces <= 1) return true;
  const last = pairs.filter(({ space }) => space === spaces - 1);
  const allowed = tolerance * Math.max(...pairs.map(({ value }) => Math.abs(value)));
  const ends = [
    { outermost: last[0], least: top.at(-1), sign: 1 },
    { outermost: last.at(-1), least: bottom.at(-1), sign: -1 },
  ];
  return ends.every(({ outermost, least, sign }) => {
    if (outermost === undefined || least === undefined) return true;
    return outermost.converged && sign * (outermost.value - least.value) <= allowed;
  });
}

/** The unit vector [P] of a Ritz pair. */
export function ritzVector({ basis }: LanczosState, { coefficients }: RitzPair): Float32Array {
  const terms = [...coefficients].map((c, i) => [c, required(basis[i], 'a vector')] as const);
  return combination(...terms);
}
