// Making a vector orthogonal to a basis: most of the time that Lanczos takes beside its products.
import { required } from '../util/errors.js';

/** Numbers of a vector that stay in the processor's cache while the basis goes by. */
const BLOCK = 4096;

type Four = readonly [Float32Array, Float32Array, Float32Array, Float32Array];

/** Takes from `vector` [P] what it has along each vector of `basis`; returns how much that was. */
export function removeProjections(
  vector: Float64Array,
  basis: readonly Float32Array[],
): Float64Array {
  const fours = inFours(basis);
  const along = new Float64Array(4 * fours.length);
  const blocks = (visit: (four: Four, along: Float64Array, from: number, to: number) => void) => {
    for (let from = 0; from < vector.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, vector.length);
      for (const [i, four] of fours.entries()) visit(four, along.subarray(4 * i), from, to);
    }
  };
  blocks((four, part, from, to) => project(four, vector, part, from, to));
  // A vector that fills up the last four is taken away once only.
  along.fill(0, basis.length);
  blocks((four, part, from, to) => subtract(four, vector, part, from, to));
  return along;
}

/** Four at a time, `vector` is read once for all of them, and no addition waits for the one before. */
function inFours(basis: readonly Float32Array[]): Four[] {
  const at = (j: number) => required(basis[Math.min(j, basis.length - 1)], 'a vector');
  const fours: Four[] = [];
  for (let j = 0; j < basis.length; j += 4) fours.push([at(j), at(j + 1), at(j + 2), at(j + 3)]);
  return fours;
}

/** Adds to `along` the part of q . vector between two places, for each of four q. */
function project(
  [q0, q1, q2, q3]: Four,
  vector: Float64Array,
  along: Float64Array,
  from: number,
  to: number,
): void {
  let [a0, a1, a2, a3] = [0, 0, 0, 0];
  for (let i = from; i < to; i++) {
    const x = vector[i] as number;
    a0 += (q0[i] as number) * x;
    a1 += (q1[i] as number) * x;
    a2 += (q2[i] as number) * x;
    a3 += (q3[i] as number) * x;
  }
  for (const [j, a] of [a0, a1, a2, a3].entries()) along[j] = (along[j] as number) + a;
}

function subtract(
  [q0, q1, q2, q3]: Four,
  vector: Float64Array,
  along: Float64Array,
  from: number,
  to: number,
): void {
  const [a0 = 0, a1 = 0, a2 = 0, a3 = 0] = along;
  for (let i = from; i < to; i++) {
    vector[i] =
      (vector[i] as number) -
      (a0 * (q0[i] as number) +
        a1 * (q1[i] as number) +
        a2 * (q2[i] as number) +
        a3 * (q3[i] as number));
  }
}
