// Perturbations of the weights, in coordinates that may be relative to each weight's size.
import { norm, type Vector } from './vectors.js';

/** Keeps 0 / 0 away; that of the climb in training. */
const TINY = 1e-12;

/**
 * T of e = T s: 1, or |w| where perturbations are measured relative to the weights ("adaptive"; Kwon et al., "ASAM", arXiv
 * 2102.11600). [P] or null for 1.
 */
export const scaleOf = (w: Float32Array, adaptive: boolean): Float32Array | null =>
  adaptive ? w.map(Math.abs) : null;

/** T x [P]. */
export function scaledBy(scale: Float32Array | null, x: Vector): Float64Array {
  const result = new Float64Array(x);
  if (scale === null) return result;
  for (let i = 0; i < result.length; i++) result[i] = (result[i] as number) * (scale[i] as number);
  return result;
}

/** w + factor T s [P], rounded once. */
export function perturbed(
  w: Float32Array,
  scale: Float32Array | null,
  s: Vector,
  factor = 1,
): Float32Array {
  const result = new Float32Array(w.length);
  for (let i = 0; i < w.length; i++) {
    result[i] = (w[i] as number) + factor * (scale?.[i] ?? 1) * (s[i] as number);
  }
  return result;
}

/** [P] of length `length`, along x. */
export function ofLength(length: number, x: Vector): Float64Array {
  const factor = length / (norm(x) + TINY);
  const result = new Float64Array(x);
  for (let i = 0; i < result.length; i++) result[i] = factor * (result[i] as number);
  return result;
}
