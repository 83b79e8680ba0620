// The trace of a symmetric matrix, and the share of each tensor and layer, by Hutchinson's estimator.
//
// Hutchinson, "A stochastic estimator of the trace of the influence matrix" (1989): the mean of v'Av over
// random vectors v of signs. v'Av is a sum over the places of v, so that its part over a tensor estimates
// the trace of that tensor's diagonal block, at no cost.
import type { TensorSpec } from '../nn/layout.js';
import { randomStream } from '../util/random.js';
import { meanOf, type Mean } from './mean.js';
import { dot, drawSigns, rangeOf, type Product } from './vectors.js';
import { countProducts, type Watch } from './watch.js';

/** v'Av by tensor, for one v. */
export type TraceProbe = readonly number[];

export interface TraceRow extends Mean {
  readonly kind: 'whole' | 'layer' | 'tensor';
  readonly name: string;
  /** How many weights it is of. */
  readonly size: number;
}

/** Probe number `number` [size]: signs, drawn by seed and number alone. */
export const traceProbe = (size: number, seed: number, number: number): Float32Array =>
  drawSigns(size, randomStream(seed, 'trace-probe', number));

/** v'Av by tensor; `image` is A v. */
export const splitByTensor = (
  v: Float32Array,
  image: Float32Array,
  tensors: readonly TensorSpec[],
): TraceProbe => tensors.map((tensor) => dot(v, image, ...rangeOf(tensor)));

export interface TraceOptions {
  readonly size: number;
  readonly tensors: readonly TensorSpec[];
  readonly probes: number;
  readonly seed: number;
  /** The first probe that is not known yet. */
  readonly from?: number;
}

/** Probe by probe: any that were saved need not be done again. */
export async function* traceProbes(
  product: Product,
  { size, tensors, probes, seed, from = 0 }: TraceOptions,
  watch: Watch = {},
): AsyncGenerator<TraceProbe, undefined> {
  const counter = countProducts(watch, probes, from);
  for (let number = from; number < probes; number++) {
    const v = traceProbe(size, seed, number);
    yield splitByTensor(v, await counter.next(() => product(v)), tensors);
  }
}

/** The layer of a tensor: its name without the last part. */
const layerOf = (name: string): string => name.replace(/\.[^.]*$/, '');

/** The estimates of the whole, of layers and of tensors, in their order. */
export function traceRows(
  probes: readonly TraceProbe[],
  tensors: readonly TensorSpec[],
): TraceRow[] {
  const row = (kind: TraceRow['kind'], name: string, members: readonly number[]): TraceRow => {
    const size = members.reduce((sum, i) => {
      const [from, to] = rangeOf(tensors[i] as TensorSpec);
      return sum + to - from;
    }, 0);
    // Shares of one probe depend on each other: their sum is formed before its spread is taken.
    const sums = probes.map((probe) => members.reduce((sum, i) => sum + (probe[i] as number), 0));
    return { kind, name, size, ...meanOf(sums) };
  };
  const layers = new Map<string, number[]>();
  for (const [i, { name }] of tensors.entries()) {
    const layer = layerOf(name);
    layers.set(layer, [...(layers.get(layer) ?? []), i]);
  }
  return [
    row('whole', 'all', [...tensors.keys()]),
    ...[...layers].map(([name, members]) => row('layer', name, members)),
    ...tensors.map(({ name }, i) => row('tensor', name, [i])),
  ];
}
