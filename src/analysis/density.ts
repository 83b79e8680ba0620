// The spectral density of a symmetric matrix by stochastic Lanczos quadrature.
//
// Ubaru, Chen, Saad, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature" (2017); of Hessians:
// Ghorbani, Krishnan, Xiao, "An Investigation into Neural Net Optimization via Hessian Eigenvalue
// Density" (arXiv 1901.10159). From a random unit vector v, k steps of Lanczos give T: its eigenvalues, weighed by
// the squares of the first components of its eigenvectors, have the moments v'A^j v for j below 2k.
import { UserError } from '../util/errors.js';
import type { KeptLanczos } from './krylov.js';
import { isClosed, lanczosFrom, lanczosStep, startStream, type LanczosState } from './lanczos.js';
import { traceProbe } from './trace.js';
import { tridiagonalEigenpairs } from './tridiagonal.js';
import { extentOf, type Product } from './vectors.js';
import { countProducts, type Watch } from './watch.js';

/** What one run gives: a density of points. */
export interface Quadrature {
  /** Ascending. */
  readonly nodes: readonly number[];
  /** One a node, of sum 1. */
  readonly weights: readonly number[];
}

export function quadratureOf({ alpha, beta }: LanczosState): Quadrature {
  const pairs = tridiagonalEigenpairs(alpha, beta);
  return {
    nodes: pairs.map(({ value }) => value),
    weights: pairs.map(({ vector }) => (vector[0] ?? 0) ** 2),
  };
}

export interface QuadratureOptions {
  readonly size: number;
  readonly runs: number;
  /** Products of a run; fewer where its space is closed before. */
  readonly steps: number;
  readonly seed: number;
  /** The first run that is not known yet. */
  readonly from?: number;
  /** Of that run: how far it is, and who is told each new state. */
  readonly kept?: KeptLanczos;
}

/** No products yet: run i begins with probe i of the trace. */
export const quadratureStart = (size: number, seed: number, run: number): LanczosState =>
  lanczosFrom(traceProbe(size, seed, run));

/** Run by run: any that were saved need not be done again. */
export async function* quadratures(
  product: Product,
  { size, runs, steps, seed, from = 0, kept }: QuadratureOptions,
  watch: Watch = {},
): AsyncGenerator<Quadrature, undefined> {
  const counter = countProducts(
    watch,
    runs * steps,
    from * steps + (kept?.state.alpha.length ?? 0),
  );
  for (let run = from; run < runs; run++) {
    const ofRun = run === from ? kept : undefined;
    let state = ofRun?.state ?? quadratureStart(size, seed, run);
    const restart = (step: number) => startStream(seed, step);
    while (state.alpha.length < Math.min(steps, size) && !isClosed(state)) {
      state = await counter.next(() => lanczosStep(product, state, restart));
      await ofRun?.onState(state);
    }
    yield quadratureOf(state);
  }
}

export interface Density {
  /** Evenly spaced, [points]. */
  readonly values: readonly number[];
  /** At each of them; its integral is 1. */
  readonly density: readonly number[];
  /** Standard deviation of the Gaussian that stands for each node. */
  readonly sigma: number;
}

/** How far the curve goes beyond the outermost nodes: 6e-7 of a Gaussian lie outside. */
const MARGIN = 5;
/** Sigma by default, as a part of the nodes' range. */
const RESOLUTION = 100;

/**
 * The mean of the runs, each node a Gaussian. Errors: UserError where the points are too few for sigma:
 * narrow peaks would be missed.
 */
export function smoothedDensity(
  runs: readonly Quadrature[],
  { points = 1024, sigma: wanted }: { readonly points?: number; readonly sigma?: number } = {},
): Density {
  const nodes = runs.flatMap((run) => run.nodes);
  const [low, high] = extentOf(nodes);
  // All nodes may be one, and that 0.
  const scale = high - low || Math.abs(high) || 1;
  const sigma = wanted ?? scale / RESOLUTION;
  const [first, last] = [low - MARGIN * sigma, high + MARGIN * sigma];
  const spacing = (last - first) / (points - 1);
  if (!(spacing <= sigma)) {
    const least = Math.ceil((last - first) / sigma) + 1;
    throw new UserError(
      `density: got ${points} points for a sigma of ${sigma} over a range of ${high - low}, wanted at least ${least}, or a larger sigma`,
    );
  }
  const values = Array.from({ length: points }, (_, i) => first + i * spacing);
  const height = 1 / (runs.length * sigma * Math.sqrt(2 * Math.PI));
  const density = values.map((value) => {
    let sum = 0;
    for (const run of runs) {
      for (const [i, node] of run.nodes.entries()) {
        sum += (run.weights[i] as number) * Math.exp(-(((value - node) / sigma) ** 2) / 2);
      }
    }
    return height * sum;
  });
  return { values, density, sigma };
}
