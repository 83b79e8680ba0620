// Losses, gradients, Hessian and Gauss-Newton products against PyTorch in float64 (test/golden/analysis.json).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Objective } from '../../src/session/objective.js';
import { elementsAt, goldenVector, type GoldenNetwork } from '../support/golden-analysis.js';
import { CASES, distance, openGoldenObjective } from './support/golden-objective.js';

/** Of the largest value: what PyTorch itself is off in float32. */
const NEAR = 1e-5;

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const length = (a: Float32Array) => Math.sqrt(dot(a, a));

const measured: string[] = [];
afterAll(() => {
  if (process.env['FSAM_TEST_TELL'] !== undefined) console.log(measured.join('\n'));
});

describe.each(CASES)('%s', (name) => {
  let golden: GoldenNetwork;
  let objective: Objective;
  beforeAll(() => {
    ({ golden, objective } = openGoldenObjective(name, [
      'loss',
      'gradient',
      'hessian',
      'gaussNewton',
    ]));
  });
  afterAll(() => {
    objective.dispose();
  });

  const expectNear = (what: string, got: readonly number[], wanted: readonly number[]) => {
    const apart = distance(got, wanted);
    measured.push(`${name} ${what} ${apart.toExponential(1)}`);
    expect(apart, what).toBeLessThan(NEAR);
  };

  test('loss and gradient', async () => {
    expect(objective.size).toBe(golden.parameters);
    const { loss, gradient } = await objective.lossAndGradient(objective.weights);
    expectNear('loss', [loss], [golden.loss]);
    expectNear('loss alone', [await objective.loss(objective.weights)], [golden.loss]);
    expectNear('gradient norm', [length(gradient)], [golden.gradient_norm]);
    const entries = golden.gradient_entries;
    const scale = golden.gradient_norm / Math.sqrt(golden.parameters);
    expectNear(
      'gradient entries',
      [...elementsAt(gradient, golden.tensors, entries), scale],
      [...entries.map(([, , value]) => value), scale],
    );
  });

  test.each(['hvp', 'ggn_hvp'] as const)('%s', async (what) => {
    const { gradient } = await objective.lossAndGradient(objective.weights);
    for (const [s, wanted] of golden[what].entries()) {
      const v = goldenVector(golden.tensors, 'vector', s);
      const product =
        what === 'hvp' ? await objective.hessianProduct(v) : await objective.gaussNewtonProduct(v);
      expectNear(`${what} norm`, [length(product)], [wanted.norm]);
      expectNear(`${what} v`, [dot(product, v)], [wanted.dot_v]);
      const entries = wanted.entries;
      const scale = wanted.norm / Math.sqrt(golden.parameters);
      expectNear(
        `${what} entries`,
        [...elementsAt(product, golden.tensors, entries), scale],
        [...entries.map(([, , value]) => value), scale],
      );
      const along = wanted.norm * golden.gradient_norm;
      expectNear(`${what} gradient`, [dot(product, gradient), along], [wanted.dot_gradient, along]);
    }
  });

  test('along the gradient, and of the probes', async () => {
    const { gradient } = await objective.lossAndGradient(objective.weights);
    const unit = gradient.map((x) => x / length(gradient));
    const product = await objective.hessianProduct(unit);
    expectNear('along norm', [length(product)], [golden.along_gradient.norm]);
    expectNear('along curvature', [dot(product, unit)], [golden.along_gradient.curvature]);
    const [probes, ofGgn] = [[] as number[], [] as number[]];
    for (let s = 0; s < golden.probes.length; s++) {
      const v = goldenVector(golden.tensors, 'probe', s);
      probes.push(dot(await objective.hessianProduct(v), v));
      ofGgn.push(dot(await objective.gaussNewtonProduct(v), v));
    }
    expectNear('probes', probes, golden.probes);
    expectNear('ggn probes', ofGgn, golden.ggn_probes);
  });
});

test.each(['mlp-gelu', 'vit'])('%s: op by op it is the same', async (name) => {
  const asked = ['gradient', 'hessian', 'gaussNewton'] as const;
  const [traced, eager] = [
    openGoldenObjective(name, asked).objective,
    openGoldenObjective(name, asked, 'eager').objective,
  ];
  const { golden } = openGoldenObjective(name, []);
  const v = goldenVector(golden.tensors, 'vector', 0);
  for (const of of ['hessianProduct', 'gaussNewtonProduct'] as const) {
    const [got, wanted] = [await traced[of](v), await eager[of](v)];
    const apart = length(got.map((x, i) => x - wanted[i]!)) / length(wanted);
    expect(apart, of).toBeLessThan(NEAR);
  }
  traced.dispose();
  eager.dispose();
});
