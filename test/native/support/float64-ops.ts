// The kernels' arithmetic in double precision, as plain loops: what their second derivatives are held against.
import { required } from '../../../src/util/errors.js';

/** Numbers [d0 d1 ..] in row-major order. */
export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type Op64 = (inputs: readonly Array64[]) => Array64;

const at = (values: Float64Array, i: number): number => required(values[i], 'a number');
const input = (inputs: readonly Array64[], i: number): Array64 => required(inputs[i], 'an input');
const four = ({ shape }: Array64) => shape as unknown as [number, number, number, number];

const mapped = ({ shape, data }: Array64, of: (value: number, i: number) => number): Array64 => ({
  shape,
  data: data.map(of),
});

/** x [N H W I] * filter [K K I O], `padding` zeros on every side. */
export const convolution64 =
  (stride: number, padding: number): Op64 =>
  (inputs) => {
    const [x, filter] = [input(inputs, 0), input(inputs, 1)];
    const [n, h, w, channels] = four(x);
    const [kernel, , , outputs] = four(filter);
    const slide = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
    const [rows, columns] = [slide(h), slide(w)];
    const shape = [n, rows, columns, outputs];
    const data = new Float64Array(n * rows * columns * outputs);
    for (let i = 0; i < data.length; i++) {
      const [o, c] = [i % outputs, Math.floor(i / outputs) % columns];
      const r = Math.floor(i / outputs / columns) % rows;
      const image = Math.floor(i / outputs / columns / rows);
      let sum = 0;
      for (let a = 0; a < kernel; a++) {
        for (let b = 0; b < kernel; b++) {
          const [y, z] = [r * stride + a - padding, c * stride + b - padding];
          if (y < 0 || y >= h || z < 0 || z >= w) continue;
          for (let k = 0; k < channels; k++) {
            const pixel = at(x.data, ((image * h + y) * w + z) * channels + k);
            sum += pixel * at(filter.data, ((a * kernel + b) * channels + k) * outputs + o);
          }
        }
      }
      data[i] = sum;
    }
    return { shape, data };
  };

/** Of windows that begin within the image; those of pixels that are there. */
export const pooling64 =
  (
    size: number,
    stride: number,
    padding: 'SAME' | 'VALID',
    of: (values: number[]) => number,
  ): Op64 =>
  (inputs) => {
    const x = input(inputs, 0);
    const [n, h, w, channels] = four(x);
    const slide = (one: number) => Math.ceil((padding === 'SAME' ? one : one - size + 1) / stride);
    const before = (one: number) =>
      padding === 'SAME' ? Math.floor(Math.max((slide(one) - 1) * stride + size - one, 0) / 2) : 0;
    const [rows, columns] = [slide(h), slide(w)];
    const data = Float64Array.from({ length: n * rows * columns * channels }, (_, i) => {
      const [k, c] = [i % channels, Math.floor(i / channels) % columns];
      const r = Math.floor(i / channels / columns) % rows;
      const image = Math.floor(i / channels / columns / rows);
      const found: number[] = [];
      for (let a = 0; a < size; a++) {
        for (let b = 0; b < size; b++) {
          const [y, z] = [r * stride + a - before(h), c * stride + b - before(w)];
          if (y < 0 || y >= h || z < 0 || z >= w) continue;
          found.push(at(x.data, ((image * h + y) * w + z) * channels + k));
        }
      }
      return of(found);
    });
    return { shape: [n, rows, columns, channels], data };
  };

export const largest = (values: number[]): number => Math.max(...values);
export const meanOf = (values: number[]): number =>
  values.reduce((sum, x) => sum + x, 0) / values.length;

export const relu64: Op64 = (inputs) => mapped(input(inputs, 0), (x) => Math.max(x, 0));
export const tanh64: Op64 = (inputs) => mapped(input(inputs, 0), Math.tanh);

/** x, scale, offset: by the batch's statistics, or by those given. */
export const normalisation64 =
  (
    positive: boolean,
    given?: { readonly mean: readonly number[]; readonly variance: readonly number[] },
  ): Op64 =>
  (inputs) => {
    const [x, scale, offset] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
    const channels = scale.data.length;
    const ofChannel = (k: number) => [...x.data].filter((_, i) => i % channels === k);
    const statistics = Array.from({ length: channels }, (_, k) => {
      if (given !== undefined) return [given.mean[k] ?? 0, given.variance[k] ?? 0] as const;
      const values = ofChannel(k);
      const mean = meanOf(values);
      return [mean, meanOf(values.map((value) => (value - mean) ** 2))] as const;
    });
    return mapped(x, (value, i) => {
      const k = i % channels;
      const [mean, variance] = required(statistics[k], 'statistics');
      const y =
        ((value - mean) / Math.sqrt(variance + 1e-5)) * at(scale.data, k) + at(offset.data, k);
      return positive ? Math.max(y, 0) : y;
    });
  };

/** Each row [.. D] by itself. */
const byRow = (
  { shape, data }: Array64,
  of: (row: Float64Array, index: number) => readonly number[],
): Array64 => {
  const width = required(shape.at(-1), 'a row');
  const rows = Array.from({ length: data.length / width }, (_, i) => [
    ...of(data.subarray(i * width, (i + 1) * width), i),
  ]);
  const wide = required(rows[0], 'a row').length;
  return { shape: [...shape.slice(0, -1), wide], data: Float64Array.from(rows.flat()) };
};

export const layerNorm64 =
  (epsilon: number): Op64 =>
  (inputs) => {
    const [x, scale, offset] = [input(inputs, 0), input(inputs, 1), input(inputs, 2)];
    return byRow(x, (row) => {
      const mean = meanOf([...row]);
      const variance = meanOf([...row].map((value) => (value - mean) ** 2));
      const root = Math.sqrt(variance + epsilon);
      return [...row].map(
        (value, k) => ((value - mean) / root) * at(scale.data, k) + at(offset.data, k),
      );
    });
  };

const probabilities = (row: Float64Array): number[] => {
  const all = row.reduce((sum, x) => sum + Math.exp(x), 0);
  return [...row].map((x) => Math.exp(x) / all);
};

export const softmax64: Op64 = (inputs) => byRow(input(inputs, 0), probabilities);

/** Against distributions, row by row. */
export const crossEntropy64 =
  (targets: readonly (readonly number[])[]): Op64 =>
  (inputs) =>
    byRow(input(inputs, 0), (row, i) => {
      const p = probabilities(row);
      const wanted = required(targets[i], 'a row');
      return [-p.reduce((sum, one, k) => sum + (wanted[k] ?? 0) * Math.log(one), 0)];
    });

/** x Phi(x), by the series of the error function. */
export const gelu64: Op64 = (inputs) =>
  mapped(input(inputs, 0), (x) => {
    const z = x / Math.SQRT2;
    let [term, sum] = [z, z];
    for (let n = 1; n < 200; n++) {
      term *= -(z * z) / n;
      sum += term / (2 * n + 1);
    }
    return (x * (1 + (2 / Math.sqrt(Math.PI)) * sum)) / 2;
  });
