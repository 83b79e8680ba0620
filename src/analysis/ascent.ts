// The largest loss within a distance of the weights, by projected gradient ascent.
//
// Steps of rho / 10, twenty of them, as in Andriushchenko and Flammarion, "Towards Understanding Sharpness-Aware
// Minimization" (arXiv 2206.06232). Theirs ends with the worst case of each batch; this is that of the whole sample.
import type { Objective } from '../session/objective.js';
import { randomStream } from '../util/random.js';
import { ofLength, perturbed, scaledBy, scaleOf } from './perturbation.js';
import { drawNormal, norm } from './vectors.js';
import { countProducts, type Counter, type Watch } from './watch.js';

export interface AscentOptions {
  readonly rho: number;
  /** The ball is that of e / |w|. */
  readonly adaptive: boolean;
  readonly seed: number;
  /** 20 by default. */
  readonly steps?: number;
  /** Of a step; rho / 10 by default. */
  readonly stepSize?: number;
  /** Further climbs, from random places at distance rho; none by default. */
  readonly restarts?: number;
}

interface Climb {
  /** L(w + e) - L(w) after each step; the last one counts. */
  readonly rises: readonly number[];
  /** |e|, or |e / |w|| where adaptive, after each step. */
  readonly lengths: readonly number[];
}

export interface Ascent {
  readonly loss: number;
  /** From w, then from each random place. */
  readonly climbs: readonly Climb[];
  /** The largest rise that a climb ends with. */
  readonly rise: number;
}

/** What sharpness needs of an objective. */
export type Evaluated = Pick<Objective, 'weights' | 'loss' | 'lossAndGradient'>;

/** Unless told otherwise. */
export const STEPS = 20;

/** A climb that meets a loss which is not a number ends with it. */
export async function ascend(
  objective: Evaluated,
  options: AscentOptions,
  watch: Watch = {},
): Promise<Ascent> {
  const { rho, adaptive, seed, steps = STEPS, restarts = 0 } = options;
  const { weights } = objective;
  const scale = scaleOf(weights, adaptive);
  const counter = countProducts(watch, (restarts + 1) * (steps + 1));
  const climbs: Climb[] = [];
  let loss = NaN;
  for (let restart = 0; restart <= restarts; restart++) {
    const stream = randomStream(seed, 'perturbation', restart);
    const start =
      restart === 0
        ? new Float64Array(weights.length)
        : ofLength(rho, drawNormal(weights.length, stream));
    const { first, losses, lengths } = await climb(objective, scale, start, options, counter);
    // Only the first climb begins at w.
    if (restart === 0) loss = first;
    climbs.push({ rises: losses.map((one) => one - loss), lengths });
  }
  return { loss, climbs, rise: Math.max(...climbs.map(({ rises }) => rises.at(-1) ?? 0)) };
}

/**
 * s = start; then steps times: s += stepSize d / |d|, d = T gradient(w + T s), and back onto |s| = rho from beyond.
 * The loss after a step comes with the gradient of the next one.
 */
async function climb(
  objective: Evaluated,
  scale: Float32Array | null,
  start: Float64Array,
  { rho, steps = STEPS, stepSize = rho / 10 }: AscentOptions,
  counter: Counter,
): Promise<{ first: number; losses: number[]; lengths: number[] }> {
  const { weights } = objective;
  let s = start;
  const [losses, lengths]: [number[], number[]] = [[], []];
  for (let step = 0; step < steps; step++) {
    const at = perturbed(weights, scale, s);
    const { loss, gradient } = await counter.next(() => objective.lossAndGradient(at));
    losses.push(loss);
    // Its gradient leads nowhere.
    if (Number.isNaN(loss)) break;
    const along = ofLength(stepSize, scaledBy(scale, gradient));
    for (let i = 0; i < s.length; i++) s[i] = (s[i] as number) + (along[i] as number);
    if (norm(s) > rho) s = ofLength(rho, s);
    lengths.push(norm(s));
  }
  const at = perturbed(weights, scale, s);
  if (!losses.some(Number.isNaN)) losses.push(await counter.next(() => objective.loss(at)));
  const [first = NaN, ...after] = losses;
  return { first, losses: after, lengths };
}
