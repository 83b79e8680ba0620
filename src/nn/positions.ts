// Position embeddings of another grid of patches: resampled, so that a vision transformer takes images of
// another size.
//
// As timm's resample_abs_pos_embed does it, in double precision. Both ways are separable: the weights of
// an axis are one matrix.
import { InternalError } from '../util/errors.js';

/**
 * `antialias`: Keys' cubic (a = -1/2), as much wider as the grid shrinks, places outside left out and the
 * rest scaled to sum 1 (PyTorch's bicubic with antialias=True, timm's default). `plain`: a = -3/4, four
 * places, those outside are the nearest inside (without antialias, as older fine-tuning code has it).
 */
export type Resampling = 'antialias' | 'plain';

interface Grid {
  readonly height: number;
  readonly width: number;
}

/**
 * Table [1 + H W, D] with a row for the class token, which is kept, and one for each patch -> [1 + H' W', D].
 *
 * @param table row by row
 */
export function resamplePositions(
  table: Float32Array,
  from: Grid,
  to: Grid,
  how: Resampling,
): Float32Array {
  const size = table.length / (1 + from.height * from.width);
  if (!Number.isInteger(size)) throw new InternalError('the table of positions has another grid');
  const rows = weights(from.height, to.height, how);
  const columns = weights(from.width, to.width, how);
  const patches = Float64Array.from(table.subarray(size));
  // [H' W D]
  const tall = along(rows, patches, { before: 1, after: from.width * size });
  // [H' W' D]
  const both = along(columns, tall, { before: to.height, after: size });
  const result = new Float32Array(size + both.length);
  result.set(table.subarray(0, size));
  result.set(both, size);
  return result;
}

/** [B old A] -> [B new A], each new place a sum over old ones by its row of `matrix` [new][old]. */
function along(
  matrix: readonly Float64Array[],
  values: Float64Array,
  { before, after }: { readonly before: number; readonly after: number },
): Float64Array {
  const old = values.length / (before * after);
  const result = new Float64Array(before * matrix.length * after);
  for (let b = 0; b < before; b++) {
    matrix.forEach((row, i) => {
      const target = result.subarray((b * matrix.length + i) * after).subarray(0, after);
      row.forEach((weight, j) => {
        const source = values.subarray((b * old + j) * after);
        if (weight === 0) return;
        for (let k = 0; k < after; k++) target[k] = (target[k] ?? 0) + weight * (source[k] ?? 0);
      });
    });
  }
  return result;
}

/** The share that each of `old` places along an axis has in each of `count` new ones: [count][old]. */
export function weights(old: number, count: number, how: Resampling): Float64Array[] {
  const scale = old / count;
  return Array.from({ length: count }, (_, i) => {
    const row = new Float64Array(old);
    if (how === 'antialias') {
      const [wide, centre] = [Math.max(scale, 1), (i + 0.5) * scale];
      const raw = row.map((_zero, j) => cubic((j + 0.5 - centre) / wide, -0.5));
      const sum = raw.reduce((total, weight) => total + weight, 0);
      return raw.map((weight) => weight / sum);
    }
    const centre = (i + 0.5) * scale - 0.5;
    const first = Math.floor(centre) - 1;
    for (let place = first; place < first + 4; place++) {
      const inside = Math.min(Math.max(place, 0), old - 1);
      row[inside] = (row[inside] ?? 0) + cubic(centre - place, -0.75);
    }
    return row;
  });
}

/** Keys, "Cubic convolution interpolation for digital image processing" (1981), by its parameter a. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}
