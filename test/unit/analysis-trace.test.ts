// The trace, its shares, and the spectral density, on matrices of which all is known.
import { describe, expect, test } from 'vitest';
import {
  quadratureOf,
  quadratures,
  smoothedDensity,
  type Density,
  type Quadrature,
} from '../../src/analysis/density.js';
import { lanczosFrom, lanczosStep, startStream } from '../../src/analysis/lanczos.js';
import {
  splitByTensor,
  traceProbe,
  traceProbes,
  traceRows,
  type TraceProbe,
} from '../../src/analysis/trace.js';
import type { Product } from '../../src/analysis/vectors.js';
import { UserError } from '../../src/util/errors.js';
import { expectNear } from '../native/support/compare.js';
import { goldenQuadratic, goldenVector } from '../support/golden-analysis.js';
import {
  collected,
  diagonal,
  goldenObjective,
  quadratic,
  withSpectrum,
} from './analysis-support.js';

const golden = goldenQuadratic();
const SIZE = golden.spectrum.length;
const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

describe('the trace', () => {
  const { hessianProduct, tensors } = goldenObjective();
  const options = { size: SIZE, tensors, seed: 4 };

  test("v'Av of the golden probes, and their mean", async () => {
    const probes: TraceProbe[] = [];
    for (let s = 0; s < golden.probes.length; s++) {
      const v = goldenVector([{ 1: [SIZE] }], 'probe', s);
      probes.push(splitByTensor(v, await hessianProduct(v), tensors));
    }
    expectNear('probes', probes.flat(), golden.probes, 1e-6);
    const [whole] = traceRows(probes, tensors);
    expectNear('mean', whole!.mean, sum(golden.probes) / 4, 1e-6);
    const spread = sum(golden.probes.map((x) => (x - sum(golden.probes) / 4) ** 2)) / 3;
    expectNear('standard error', whole!.stderr!, Math.sqrt(spread / 4), 1e-6);
  });

  test('its spread is that of Rademacher probes; the truth is within three standard errors', async () => {
    const probes = await collected(traceProbes(hessianProduct, { ...options, probes: 2000 }));
    const [whole] = traceRows(probes, tensors);
    expect(Math.abs(whole!.mean - golden.trace)).toBeLessThan(3 * whole!.stderr!);
    expectNear('spread', whole!.std!, golden.hutchinson_standard_deviation, 0.05);
  });

  test('by tensor and layer', async () => {
    const names = ['stem', 'block.0.conv.weight', 'block.0.conv.bias', 'block.1.conv.weight'];
    const cut = names.map((name, i) => ({ name, shape: [2, 3], offset: 6 * i }));
    const generator = traceProbes(hessianProduct, { ...options, tensors: cut, probes: 2000 });
    const rows = traceRows(await collected(generator), cut);
    expect(rows.map(({ kind, name, size }) => `${kind} ${name} ${size}`)).toEqual([
      'whole all 24',
      'layer stem 6',
      'layer block.0.conv 12',
      'layer block.1.conv 6',
      'tensor stem 6',
      'tensor block.0.conv.weight 6',
      'tensor block.0.conv.bias 6',
      'tensor block.1.conv.weight 6',
    ]);
    const blocks = [0, 6, 12, 18].map((at) => sum(golden.diagonal.slice(at, at + 6)));
    const [a, b, c, d] = blocks as [number, number, number, number];
    for (const [i, truth] of [golden.trace, a, b + c, d, a, b, c, d].entries()) {
      const { mean, stderr, count } = rows[i]!;
      expect(count).toBe(2000);
      expect(Math.abs(mean - truth)).toBeLessThan(3.5 * stderr!);
    }
    // Shares of a layer are not independent.
    const apart = Math.hypot(rows[5]!.stderr!, rows[6]!.stderr!);
    expect(Math.abs(rows[2]!.stderr! - apart) / apart).toBeGreaterThan(0.01);
  });

  test('a diagonal matrix: every probe gives the trace, without any spread', async () => {
    const flat = quadratic(diagonal([4, -1, 2]), [0, 0, 0], new Float32Array(3));
    const generator = traceProbes(flat.hessianProduct, {
      size: 3,
      tensors: flat.tensors,
      probes: 5,
      seed: 1,
    });
    const probes = await collected(generator);
    expect(probes).toEqual([[5], [5], [5], [5], [5]]);
    expect(traceRows(probes, flat.tensors)[0]).toMatchObject({ mean: 5, std: 0, stderr: 0 });
    expect(traceRows(probes.slice(1, 2), flat.tensors)[0]).toMatchObject({
      std: null,
      stderr: null,
    });
  });

  test('goes on from a probe as if it had not stopped', async () => {
    const whole = await collected(traceProbes(hessianProduct, { ...options, probes: 5 }));
    const heard: string[] = [];
    const onProduct = (done: number, of: number) => heard.push(`${done}/${of}`);
    const rest = traceProbes(hessianProduct, { ...options, probes: 5, from: 3 }, { onProduct });
    expect(await collected(rest)).toEqual(whole.slice(3));
    expect(heard).toEqual(['4/5', '5/5']);
    const other = traceProbes(hessianProduct, { ...options, seed: 5, probes: 1 });
    expect(await collected(other)).not.toEqual(whole.slice(0, 1));
  });

  test('probes are signs, as many of one as of the other, and independent', () => {
    const [one, other] = [traceProbe(10_000, 1, 0), traceProbe(10_000, 1, 1)];
    expect(new Set(one)).toEqual(new Set([1, -1]));
    expect(Math.abs(sum([...one]))).toBeLessThan(400);
    expect(Math.abs(sum([...one].map((x, i) => x * other[i]!)))).toBeLessThan(400);
  });
});

const moment = ({ nodes, weights }: Quadrature, power: number): number =>
  sum(nodes.map((node, i) => weights[i]! * node ** power));

const integral = ({ values, density }: Density, low = -Infinity, high = Infinity): number =>
  (values[1]! - values[0]!) *
  sum(density.filter((_, i) => values[i]! >= low && values[i]! <= high));

async function run(product: Product, start: Float32Array, steps: number): Promise<Quadrature> {
  let state = lanczosFrom(start);
  for (let i = 0; i < steps; i++) {
    state = await lanczosStep(product, state, (step) => startStream(1, step));
  }
  return quadratureOf(state);
}

describe('the density', () => {
  const { hessianProduct } = goldenObjective();

  test('nodes and weights of the golden run', async () => {
    const probe = goldenVector([{ 1: [SIZE] }], 'probe', 0);
    const { nodes, weights } = await run(hessianProduct, probe, 10);
    expectNear('nodes', nodes, golden.lanczos.nodes, 2e-6);
    expectNear('weights', weights, golden.lanczos.weights, 2e-6);
    expect(sum([...weights])).toBeCloseTo(1, 12);
    expectNear('first moment', moment({ nodes, weights }, 1), golden.probes[0]! / SIZE, 1e-6);
  });

  test('moments are those of the spectrum: over a whole basis, exactly', async () => {
    // The mean of e_i'A^k e_i over all i is the trace over P.
    const runs: Quadrature[] = [];
    for (let i = 0; i < SIZE; i++) {
      const start = new Float32Array(SIZE);
      start[i] = 1;
      runs.push(await run(hessianProduct, start, 6));
    }
    for (const [k, truth] of golden.moments.entries()) {
      const mean = sum(runs.map((one) => moment(one, k + 1))) / SIZE;
      expectNear(`moment ${k + 1}`, mean, truth, 2e-6);
    }
    const smoothed = smoothedDensity(runs);
    const { values, density, sigma } = smoothed;
    const step = values[1]! - values[0]!;
    const first = step * sum(values.map((x, i) => x * density[i]!));
    const second = step * sum(values.map((x, i) => x * x * density[i]!));
    expectNear('first moment of the curve', first, golden.moments[0]!, 1e-5);
    expectNear('second, less sigma^2', second - sigma ** 2, golden.moments[1]!, 1e-5);
  });

  test('drawn runs: seeded, alone or after others, and as many moments as their spread allows', async () => {
    const options = { size: SIZE, runs: 400, steps: 8, seed: 2 };
    const runs = await collected(quadratures(hessianProduct, options));
    const heard: string[] = [];
    const onProduct = (done: number, of: number) => heard.push(`${done}/${of}`);
    const rest = quadratures(hessianProduct, { ...options, from: 398 }, { onProduct });
    expect(await collected(rest)).toEqual(runs.slice(398));
    expect(heard).toEqual(Array.from({ length: 16 }, (_, i) => `${3185 + i}/3200`));
    for (const [k, truth] of golden.moments.entries()) {
      const each = runs.map((one) => moment(one, k + 1));
      const mean = sum(each) / each.length;
      const error = Math.sqrt(sum(each.map((x) => (x - mean) ** 2)) / each.length ** 2);
      expect(Math.abs(mean - truth)).toBeLessThan(3.5 * error);
    }
    for (const { weights } of runs) expect(sum([...weights])).toBeCloseTo(1, 12);
    expect(integral(smoothedDensity(runs))).toBeCloseTo(1, 5);
  });

  test('two clusters: half of it in each, with its peak there', async () => {
    const spectrum = Array.from({ length: 40 }, (_, i) => (i < 20 ? 1 : 5) + (i % 20) / 100);
    const { hessianProduct } = withSpectrum(spectrum);
    const options = { size: 40, runs: 40, steps: 12, seed: 1 };
    const runs = await collected(quadratures(hessianProduct, options));
    const smoothed = smoothedDensity(runs, { sigma: 0.2 });
    expect(smoothed.sigma).toBe(0.2);
    expect(integral(smoothed)).toBeCloseTo(1, 5);
    for (const [low, high, middle] of [
      [-1, 3, 1.1],
      [3, 8, 5.1],
    ] as const) {
      expect(Math.abs(integral(smoothed, low, high) - 0.5)).toBeLessThan(0.05);
      const inside = smoothed.values.map((x, i) =>
        x >= low && x <= high ? smoothed.density[i]! : 0,
      );
      const peak = smoothed.values[inside.indexOf(Math.max(...inside))]!;
      expect(Math.abs(peak - middle)).toBeLessThan(0.15);
    }
  });

  test('low rank: a run ends where its space is closed, and nothing is made up', async () => {
    const { hessianProduct, asked } = withSpectrum([4, -2, ...new Array<number>(18).fill(0)]);
    const generator = quadratures(hessianProduct, { size: 20, runs: 1, steps: 15, seed: 3 });
    const [found] = await collected(generator);
    expect(asked.products).toBe(3);
    for (const [i, node] of [-2, 0, 4].entries()) expect(found!.nodes[i]).toBeCloseTo(node, 5);
    expect(sum([...found!.weights])).toBeCloseTo(1, 12);
    expect(found!.nodes).toHaveLength(3);
  });

  test('one node only: sigma is relative to it', () => {
    const at = (node: number) => smoothedDensity([{ nodes: [node], weights: [1] }]);
    expect(at(-3).sigma).toBeCloseTo(0.03, 12);
    expect(integral(at(-3))).toBeCloseTo(1, 5);
    expect(integral(at(0))).toBeCloseTo(1, 5);
  });

  test('too few points for sigma are refused', () => {
    const runs = [{ nodes: [0, 10], weights: [0.5, 0.5] }];
    expect(() => smoothedDensity(runs, { points: 50, sigma: 0.1 })).toThrow(UserError);
    expect(() => smoothedDensity(runs, { points: 50, sigma: 0.1 })).toThrow(
      'density: got 50 points for a sigma of 0.1 over a range of 10, wanted at least 111, or a larger sigma',
    );
    expect(integral(smoothedDensity(runs, { points: 111, sigma: 0.1 }))).toBeCloseTo(1, 5);
  });
});
