// How much the loss rises near the weights: along the gradient, in the worst case, on average.
import { randomStream } from '../util/random.js';
import { ascend, type AscentOptions, type Evaluated } from './ascent.js';
import { meanOf, type Mean } from './mean.js';
import { ofLength, perturbed, scaledBy, scaleOf } from './perturbation.js';
import { drawNormal, type Vector } from './vectors.js';
import { countProducts, type Watch } from './watch.js';

/** `one-step`: SAM's own climb. `worst-case`: projected ascent. The others: the mean over random perturbations. */
export const SHARPNESS_KINDS = ['one-step', 'worst-case', 'sphere', 'gaussian'] as const;

export type SharpnessKind = (typeof SHARPNESS_KINDS)[number];

/** What is measured. */
export interface Sharpness {
  readonly kind: SharpnessKind;
  /** Whether perturbations are measured relative to |w|. */
  readonly adaptive: boolean;
  /** Length of e (of e / |w|); of `gaussian` the standard deviation in each place. */
  readonly rho: number;
}

/** L(w + e) - L(w): one, or the mean over `count` draws or parts. */
export interface SharpnessRow extends Sharpness, Mean {
  /** Examples of a part; null of the whole sample. */
  readonly m: number | null;
  /** L(w). */
  readonly loss: number;
}

export interface SharpnessOptions extends Pick<AscentOptions, 'seed' | 'steps' | 'restarts'> {
  /** Random perturbations of an average; 20 by default. */
  readonly draws?: number;
  /** Which part this is, 0 by default: every part draws perturbations of its own. */
  readonly part?: number;
}

/** Unless told otherwise. */
export const DRAWS = 20;

/** Of the whole sample, or of a part. Draws and starts follow from the seed: they are alike for all kinds and rhos. */
export async function measureSharpness(
  objective: Evaluated,
  measured: Sharpness,
  options: SharpnessOptions,
  watch: Watch = {},
): Promise<SharpnessRow> {
  const row = (loss: number, rises: readonly number[]): SharpnessRow => ({
    ...measured,
    m: null,
    loss,
    ...meanOf(rises),
  });
  switch (measured.kind) {
    case 'one-step': {
      const { loss, rise } = await oneStep(objective, measured, watch);
      return row(loss, [rise]);
    }
    case 'worst-case': {
      const { rho, adaptive } = measured;
      const { loss, rise } = await ascend(objective, { ...options, rho, adaptive }, watch);
      return row(loss, [rise]);
    }
    case 'gaussian':
    case 'sphere': {
      const { loss, rises } = await onAverage(
        objective,
        { ...measured, kind: measured.kind },
        options,
        watch,
      );
      return row(loss, rises);
    }
    default:
      return measured.kind satisfies never;
  }
}

/**
 * m-sharpness: the mean over parts of m examples, each with perturbations of its own: an ascent, or other draws. The worst case of parts that make
 * up the whole is never below that of the whole, whose one perturbation has to do for all.
 *
 * @param parts opened one after the other; whoever opens them disposes of them
 */
export async function measureByParts(
  parts: AsyncIterable<Evaluated> | Iterable<Evaluated>,
  m: number,
  measured: Sharpness,
  options: SharpnessOptions,
  watch: Pick<Watch, 'signal'> & { readonly onPart?: (done: number) => void } = {},
): Promise<SharpnessRow> {
  const [rises, losses]: [number[], number[]] = [[], []];
  for await (const part of parts) {
    const own = { ...options, part: rises.length };
    const { mean, loss } = await measureSharpness(part, measured, own, watch);
    rises.push(mean);
    losses.push(loss);
    watch.onPart?.(rises.length);
  }
  return { ...measured, m, loss: meanOf(losses).mean, ...meanOf(rises) };
}

/** The climb of SAM in training: e = rho g / |g|; adaptive: rho w^2 g / | |w| g |. */
async function oneStep(
  objective: Evaluated,
  { adaptive, rho }: Sharpness,
  watch: Watch,
): Promise<{ loss: number; rise: number }> {
  const { weights } = objective;
  const counter = countProducts(watch, 2);
  const scale = scaleOf(weights, adaptive);
  const { loss, gradient } = await counter.next(() => objective.lossAndGradient(weights));
  const s = ofLength(rho, scaledBy(scale, gradient));
  const up = await counter.next(() => objective.loss(perturbed(weights, scale, s)));
  return { loss, rise: up - loss };
}

async function onAverage(
  objective: Evaluated,
  measured: Sharpness & { readonly kind: 'gaussian' | 'sphere' },
  { seed, draws = DRAWS, part = 0 }: SharpnessOptions,
  watch: Watch,
): Promise<{ loss: number; rises: number[] }> {
  const { weights } = objective;
  const counter = countProducts(watch, draws + 1);
  const loss = await counter.next(() => objective.loss(weights));
  const rises: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const d = drawNormal(weights.length, randomStream(seed, 'perturbation', part * draws + draw));
    const at = randomlyPerturbed(weights, measured, d);
    rises.push((await counter.next(() => objective.loss(at))) - loss);
  }
  return { loss, rises };
}

/** w + T s [P] with s = rho d, or rho d / |d|; d [P] is a draw from the normal distribution. */
export function randomlyPerturbed(
  w: Float32Array,
  { kind, adaptive, rho }: Sharpness & { readonly kind: 'gaussian' | 'sphere' },
  d: Vector,
): Float32Array {
  const scale = scaleOf(w, adaptive);
  return kind === 'gaussian' ? perturbed(w, scale, d, rho) : perturbed(w, scale, ofLength(rho, d));
}
