// Curvature, sharpness and slices of small problems (test/golden/analysis.json), and the vectors they were taken with.
import { readFileSync } from 'node:fs';
import { sizeOf } from '../../src/native/types.js';
import { Layout, type TensorSpec } from '../../src/nn/layout.js';
import { required } from '../../src/util/errors.js';
import {
  concatenated,
  fill,
  inOurLayout,
  ourShape,
  type GoldenTensor,
} from '../native/support/golden.js';

/** By rho. */
type ByRho = Readonly<Record<string, number>>;

interface GoldenAscent {
  readonly rises: readonly number[];
  readonly lengths: readonly number[];
}

export interface GoldenAnalysis {
  readonly name: string;
  readonly w_norm: number;
  readonly loss: number;
  readonly gradient_norm: number;
  readonly one_step: ByRho;
  readonly one_step_adaptive: ByRho;
  readonly ascent: GoldenAscent;
  readonly ascent_adaptive: GoldenAscent;
  readonly random: Readonly<
    Record<'sphere' | 'gaussian' | 'sphere_adaptive' | 'gaussian_adaptive', readonly number[]>
  >;
  readonly probes: readonly number[];
  readonly lanczos: Readonly<Record<'alpha' | 'beta' | 'nodes' | 'weights', readonly number[]>>;
}

export interface GoldenQuadratic extends GoldenAnalysis {
  /** Descending. */
  readonly spectrum: readonly number[];
  readonly trace: number;
  readonly diagonal: readonly number[];
  readonly moments: readonly number[];
  readonly hutchinson_standard_deviation: number;
  readonly largest_rise: ByRho;
  readonly largest_rise_adaptive: ByRho;
}

/** A vector, by its length, its products with others, and some of its elements in PyTorch's order. */
interface GoldenProduct {
  readonly norm: number;
  readonly dot_v: number;
  readonly dot_gradient: number;
  readonly entries: readonly Entry[];
}

/** Tensor, place in it in PyTorch's order, value. */
type Entry = readonly [tensor: string, place: number, value: number];

export interface GoldenNetwork extends GoldenAnalysis {
  readonly mode: 'evaluation' | 'training';
  /** Its section of a configuration; null for the small ones. */
  readonly model: Readonly<Record<string, unknown>> | null;
  readonly parameters: number;
  readonly gradient_entries: readonly Entry[];
  readonly hvp: readonly GoldenProduct[];
  readonly ggn_hvp: readonly GoldenProduct[];
  readonly along_gradient: { readonly norm: number; readonly curvature: number };
  readonly ggn_probes: readonly number[];
  readonly eigenvalues: {
    readonly top: readonly number[];
    readonly bottom: readonly number[];
    readonly cosine_top_gradient: number;
  };
  readonly ggn_eigenvalues: { readonly top: readonly number[]; readonly trace: number };
  /** Exact, of the diagonal blocks of tensors: of all, or of some. */
  readonly traces: Readonly<Record<string, number>>;
  readonly tensors: readonly GoldenTensor[];
  readonly batches: readonly { readonly step: number; readonly images: readonly number[] }[];
  readonly classes: number;
  readonly slice: {
    readonly direction_norm: number;
    readonly direction_dot_w: number;
    readonly losses: readonly number[];
    readonly losses_small_tensors_kept: readonly number[];
  };
  readonly plane: readonly (readonly number[])[];
}

const { cases } = JSON.parse(
  readFileSync(new URL('../golden/analysis.json', import.meta.url), 'utf8'),
) as { cases: readonly GoldenAnalysis[] };

const named = (name: string): GoldenAnalysis =>
  required(
    cases.find((one) => one.name === name),
    name,
  );

export const goldenQuadratic = (): GoldenQuadratic => named('quadratic') as GoldenQuadratic;

export const goldenNetwork = (name: string): GoldenNetwork => named(name) as GoldenNetwork;

/** The first stream of each kind of vector. */
const STREAM = { vector: 100_000, probe: 200_000, random: 300_000, slice: 400_000 } as const;

/** Vector number `s` of a kind over the weights, in our layout. [P] */
export function goldenVector(
  tensors: readonly Pick<GoldenTensor, 1>[],
  stream: keyof typeof STREAM,
  s: number,
): Float32Array {
  const pieces = tensors.map(({ 1: shape }, k) => {
    const u = fill(STREAM[stream] + 1000 * s + k, sizeOf(shape), 2);
    return inOurLayout(stream === 'probe' ? u.map((x) => (x >= 0 ? 1 : -1)) : u, shape);
  });
  return concatenated(pieces);
}

/** The elements at the places of `entries` of a vector [P] in our layout. */
export function elementsAt(
  vector: Float32Array,
  tensors: readonly GoldenTensor[],
  entries: readonly Entry[],
): number[] {
  return entries.map(([name, place]) => {
    const { shape, offset } = required(
      goldenLayout(tensors).find((tensor) => tensor.name === name),
      name,
    );
    const [, theirs] = required(
      tensors.find(([other]) => other === name),
      name,
    );
    const size = sizeOf(shape);
    const places = inOurLayout(
      Float32Array.from({ length: size }, (_, i) => i),
      theirs,
    );
    return required(vector[offset + places.indexOf(place)], 'an element');
  });
}

/** The tensors in our shapes, end to end. */
export function goldenLayout(tensors: readonly GoldenTensor[]): readonly TensorSpec[] {
  const layout = new Layout();
  for (const [name, shape] of tensors) layout.add(name, ourShape(shape));
  return layout.tensors;
}
