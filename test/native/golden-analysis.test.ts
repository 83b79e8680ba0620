// The analyses of real networks against PyTorch in float64 (test/golden/analysis.json): sharpness, slices, spectra, traces.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ascend } from '../../src/analysis/ascent.js';
import { filterNormalised } from '../../src/analysis/directions.js';
import { findExtremes, ritzVector } from '../../src/analysis/eigenvalues.js';
import { lanczosFrom, lanczosStep, startStream } from '../../src/analysis/lanczos.js';
import { slicePoint } from '../../src/analysis/landscape.js';
import { perturbed, ofLength, scaleOf } from '../../src/analysis/perturbation.js';
import { measureSharpness, randomlyPerturbed } from '../../src/analysis/sharpness.js';
import { splitByTensor, traceRows } from '../../src/analysis/trace.js';
import { dot, norm, rangeOf } from '../../src/analysis/vectors.js';
import type { Objective } from '../../src/session/objective.js';
import { goldenLayout, goldenVector, type GoldenNetwork } from '../support/golden-analysis.js';
import { CASES, distance, openGoldenObjective } from './support/golden-objective.js';

/**
 * What PyTorch itself is off in float32, several times over: where ReLUs lie within rounding of 0, ascents of
 * networks in training mode go other ways.
 */
const ASCENTS: Readonly<Record<string, readonly [plain: number, adaptive: number]>> = {
  'resnet18-training': [1e-2, 5e-2],
  'vgg11-bn-training': [1e-2, 5e-2],
};

const measured: string[] = [];
afterAll(() => {
  if (process.env['FSAM_TEST_TELL'] !== undefined) console.log(measured.join('\n'));
});

describe.each(CASES)('%s', (name) => {
  let golden: GoldenNetwork;
  let objective: Objective;
  beforeAll(() => {
    const asked = ['loss', 'gradient', 'hessian', 'gaussNewton'] as const;
    ({ golden, objective } = openGoldenObjective(name, asked));
  });
  afterAll(() => {
    objective.dispose();
  });
  const expectNear = (
    what: string,
    got: readonly number[],
    wanted: readonly number[],
    near: number,
  ) => {
    const apart = distance(got, wanted);
    measured.push(`${name} ${what} ${apart.toExponential(1)}`);
    expect(apart, what).toBeLessThan(near);
  };
  const lossesAt = async (places: readonly Float32Array[]) => {
    const losses: number[] = [];
    for (const place of places) losses.push(await objective.loss(place));
    return losses;
  };

  test('one step', async () => {
    for (const [adaptive, wanted] of [
      [false, golden.one_step],
      [true, golden.one_step_adaptive],
    ] as const) {
      const losses: number[] = [];
      for (const rho of Object.keys(wanted)) {
        const step = { kind: 'one-step', adaptive, rho: Number(rho) } as const;
        const { loss, mean } = await measureSharpness(objective, step, { seed: 1 });
        losses.push(loss + mean);
      }
      expectNear(`one step${adaptive ? ' adaptive' : ''}`, losses, Object.values(wanted), 1e-5);
    }
  });

  test('ascents', async () => {
    const [plain, adaptive] = ASCENTS[name] ?? [1e-4, 1e-4];
    for (const [wanted, options, near] of [
      [golden.ascent, { rho: 0.1, adaptive: false }, plain],
      [golden.ascent_adaptive, { rho: 0.5, adaptive: true }, adaptive],
    ] as const) {
      const { climbs } = await ascend(objective, { ...options, seed: 1 });
      const what = options.adaptive ? 'ascent adaptive' : 'ascent';
      expectNear(what, climbs[0]!.rises, wanted.rises, near);
      expectNear(`${what} lengths`, climbs[0]!.lengths, wanted.lengths, near);
    }
  });

  test('random perturbations', async () => {
    const w = objective.weights;
    const d = [0, 1, 2].map((s) => goldenVector(golden.tensors, 'random', s));
    const base = await objective.loss(w);
    const rises = async (of: (one: Float32Array) => Float32Array) =>
      (await lossesAt(d.map(of))).map((loss) => loss - base);
    const { sphere, sphere_adaptive, gaussian, gaussian_adaptive } = golden.random;
    const at = (kind: 'sphere' | 'gaussian', adaptive: boolean, rho: number, factor = 1) =>
      rises((one) => randomlyPerturbed(w, { kind, adaptive, rho: rho * factor }, one));
    // Differences of nearly equal losses.
    const near = 1e-3;
    expectNear('sphere', await at('sphere', false, 1), sphere, near);
    expectNear('sphere adaptive', await at('sphere', true, 1), sphere_adaptive, near);
    expectNear('gaussian', await at('gaussian', false, 0.01, Math.sqrt(3)), gaussian, near);
    expectNear(
      'gaussian adaptive',
      await at('gaussian', true, 0.1, Math.sqrt(3)),
      gaussian_adaptive,
      near,
    );
    expect(perturbed(w, scaleOf(w, false), ofLength(0, d[0]!))).toEqual(w);
  });

  test('a line and a plane', async () => {
    const w = objective.weights;
    const tensors = goldenLayout(golden.tensors);
    const direction = (s: number, small?: 'weights') =>
      filterNormalised(goldenVector(golden.tensors, 'slice', s), w, tensors, small);
    const alphas = [-1, -0.5, 0, 0.5, 1];
    const along = (x: Float32Array) => lossesAt(alphas.map((a) => slicePoint(w, [x])([a])));
    expectNear('line', await along(direction(0)), golden.slice.losses, 1e-5);
    const kept = golden.slice.losses_small_tensors_kept;
    expectNear('line, small tensors kept', await along(direction(0, 'weights')), kept, 1e-5);
    const three = [-0.5, 0, 0.5];
    const point = slicePoint(w, [direction(0), direction(1)]);
    const places = three.flatMap((a) => three.map((b) => point([a, b])));
    expectNear('plane', await lossesAt(places), golden.plane.flat(), 1e-5);
  });

  test('both ends of the spectra', async () => {
    const options = { top: 5, bottom: 2, steps: 400, seed: 1 };
    const values = (pairs: readonly { readonly value: number }[]) =>
      pairs.map(({ value }) => value);
    const hessian = await findExtremes((v) => objective.hessianProduct(v), objective.size, options);
    expect([...hessian.top, ...hessian.bottom].every(({ converged }) => converged)).toBe(true);
    const { top, bottom, cosine_top_gradient: cosine } = golden.eigenvalues;
    const { gradient } = await objective.lossAndGradient(objective.weights);
    const x = ritzVector(hessian.state, hessian.top[0]!);
    const along = Math.abs(dot(x, gradient)) / norm(gradient);
    expect(Math.abs(along - cosine)).toBeLessThan(1e-4);
    expectNear('top', values(hessian.top), top, 1e-5);
    expectNear('bottom', values(hessian.bottom), bottom, 1e-5);
    const gaussNewton = await findExtremes((v) => objective.gaussNewtonProduct(v), objective.size, {
      ...options,
      bottom: 0,
    });
    expectNear('top of Gauss-Newton', values(gaussNewton.top), golden.ggn_eigenvalues.top, 1e-5);
  });

  test('ten steps of Lanczos', async () => {
    let state = lanczosFrom(goldenVector(golden.tensors, 'probe', 0));
    for (let step = 0; step < 10; step++) {
      const product = (v: Float32Array) => objective.hessianProduct(v);
      state = await lanczosStep(product, state, (at) => startStream(1, at));
    }
    expectNear('alpha', state.alpha, golden.lanczos.alpha, 1e-4);
    expectNear('beta', state.beta.slice(0, 9), golden.lanczos.beta, 1e-4);
  });

  test('traces of tensors are as near as four probes let them be', async () => {
    const probes = [];
    for (let s = 0; s < 4; s++) {
      const v = goldenVector(golden.tensors, 'probe', s);
      probes.push(splitByTensor(v, await objective.hessianProduct(v), objective.tensors));
    }
    expectNear(
      'probes',
      probes.map((one) => one.reduce((sum, x) => sum + x, 0)),
      golden.probes,
      1e-5,
    );
    const rows = traceRows(probes, objective.tensors).filter(({ kind }) => kind === 'tensor');
    const [whole] = traceRows(probes, objective.tensors);
    for (const [tensor, exact] of Object.entries(golden.traces)) {
      const row = rows.find((one) => one.name === tensor)!;
      const [from, to] = rangeOf(objective.tensors.find((one) => one.name === tensor)!);
      expect(row.size).toBe(to - from);
      // Of four probes the spread itself is known to a factor of about two.
      const error = Math.max(row.stderr!, whole!.stderr! / 20);
      expect(Math.abs(row.mean - exact) / error, tensor).toBeLessThan(8);
    }
  });
});
