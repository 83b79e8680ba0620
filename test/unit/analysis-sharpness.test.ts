// Sharpness against numbers of float64 PyTorch and against the exact largest rise.
import { describe, expect, test } from 'vitest';
import { ascend } from '../../src/analysis/ascent.js';
import {
  measureByParts,
  measureSharpness,
  randomlyPerturbed,
  type SharpnessKind,
} from '../../src/analysis/sharpness.js';
import { expectNear } from '../native/support/compare.js';
import { goldenQuadratic, goldenVector } from '../support/golden-analysis.js';
import { diagonal, goldenObjective, quadratic } from './analysis-support.js';

const golden = goldenQuadratic();
const SIZE = golden.spectrum.length;
const objective = goldenObjective();
const both = [
  [false, golden.one_step],
  [true, golden.one_step_adaptive],
] as const;

describe('the golden quadratic', () => {
  test.each(both)('one step, adaptive %s', async (adaptive, losses) => {
    for (const [rho, loss] of Object.entries(losses)) {
      const measured = { kind: 'one-step', adaptive, rho: Number(rho) } as const;
      const row = await measureSharpness(objective, measured, { seed: 1 });
      expect(row).toMatchObject({ ...measured, m: null, count: 1, std: null, stderr: null });
      expectNear('loss', row.loss, golden.loss, 2e-7);
      expectNear('loss above', row.loss + row.mean, loss, 2e-7);
    }
  });

  test.each([
    [false, 0.1, golden.ascent],
    [true, 0.5, golden.ascent_adaptive],
  ] as const)('ascent, adaptive %s', async (adaptive, rho, wanted) => {
    const before = { ...objective.asked };
    const { rise, climbs, loss } = await ascend(objective, { adaptive, rho, seed: 1 });
    expect(climbs).toHaveLength(1);
    expectNear('loss', loss, golden.loss, 2e-7);
    expectNear('rises', climbs[0]!.rises, wanted.rises, 1e-5);
    expectNear('lengths', climbs[0]!.lengths, wanted.lengths, 1e-6);
    expect(rise).toBe(climbs[0]!.rises.at(-1));
    // The loss of a step comes with the next gradient.
    expect(objective.asked.gradients - before.gradients).toBe(20);
    expect(objective.asked.losses - before.losses).toBe(1);
  });

  test.each([
    [false, golden.largest_rise],
    [true, golden.largest_rise_adaptive],
  ])(
    'the worst case comes near the largest rise, never above; adaptive %s',
    async (adaptive, exact) => {
      for (const [rho, largest] of Object.entries(exact)) {
        const measured = { kind: 'worst-case', adaptive, rho: Number(rho) } as const;
        const options = { seed: 1, steps: 60, restarts: 2 };
        const { mean } = await measureSharpness(objective, measured, options);
        // Rounding of w + e to float32 may cross the ball by 1e-7.
        expect(mean).toBeLessThan(largest * (1 + 1e-5));
        expect(mean).toBeGreaterThan(largest * (1 - 1e-5));
        // One step of the same length is below it.
        const one = await measureSharpness(objective, { ...measured, kind: 'one-step' }, options);
        expect(one.mean).toBeLessThan(mean);
      }
    },
  );

  test.each([
    ['sphere', false, 1, golden.random.sphere],
    ['gaussian', false, 0.01, golden.random.gaussian],
    ['sphere', true, 1, golden.random.sphere_adaptive],
    ['gaussian', true, 0.1, golden.random.gaussian_adaptive],
  ] as const)('random: %s, adaptive %s', async (kind, adaptive, rho, wanted) => {
    for (const [s, rise] of wanted.entries()) {
      // The golden draws are uniform: sqrt(3) gives them the variance 1.
      const d = goldenVector([{ 1: [SIZE] }], 'random', s).map((x) => Math.sqrt(3) * x);
      const at = randomlyPerturbed(objective.weights, { kind, adaptive, rho }, d);
      const [up, base] = [await objective.loss(at), await objective.loss(objective.weights)];
      expectNear('rise', up - base, rise, 1e-4);
    }
  });

  test('on average: the theory of a quadratic, within four standard errors', async () => {
    const { weights, loss } = objective;
    const trace = (scale: (i: number) => number): number =>
      golden.diagonal.reduce((sum, x, i) => sum + x * scale(i), 0);
    const squared = (i: number) => weights[i]! ** 2;
    // The gradient falls out: E e'Ae / 2.
    for (const [kind, adaptive, rho, truth] of [
      ['gaussian', false, 0.3, (0.09 * trace(() => 1)) / 2],
      ['gaussian', true, 0.3, (0.09 * trace(squared)) / 2],
      ['sphere', false, 2, (4 * trace(() => 1)) / 2 / SIZE],
      ['sphere', true, 2, (4 * trace(squared)) / 2 / SIZE],
    ] as const) {
      const measured = { kind, adaptive, rho };
      const row = await measureSharpness(objective, measured, { seed: 6, draws: 4000 });
      expect(row).toMatchObject({ ...measured, m: null, count: 4000 });
      expect(Math.abs(row.mean - truth)).toBeLessThan(4 * row.stderr!);
      expect(row.stderr!).toBeCloseTo(row.std! / Math.sqrt(4000), 12);
      expect(row.loss).toBe(await loss(weights));
    }
  });
});

test('random starts: seeded, each its own, and they find what the gradient does not', async () => {
  // At w the gradient points along the small curvature; the large one is invisible from there.
  const hidden = quadratic(diagonal([0.1, 50]), [-1, 0], new Float32Array(2));
  const options = { rho: 0.5, adaptive: false };
  const straight = await ascend(hidden, { ...options, seed: 1 });
  expect(straight.rise).toBeCloseTo(0.1 * (1.5 ** 2 - 1) * 0.5, 5);
  const { climbs, rise } = await ascend(hidden, { ...options, seed: 1, restarts: 3 });
  expect(climbs).toHaveLength(4);
  expect(climbs[0]).toEqual(straight.climbs[0]);
  expect(rise).toBeGreaterThan(6);
  expect(new Set(climbs.map(({ rises }) => rises[0])).size).toBe(4);
  expect(await ascend(hidden, { ...options, seed: 1, restarts: 3 })).toEqual({
    climbs,
    rise,
    loss: straight.loss,
  });
  const other = await ascend(hidden, { ...options, seed: 2, restarts: 1 });
  expect(other.climbs[1]).not.toEqual(climbs[1]);
});

test('adaptive: a weight that is 0 does not move', async () => {
  const w = Float32Array.of(0, 2);
  const flat = quadratic(diagonal([1000, 1]), [1, 1], w);
  for (const kind of ['one-step', 'worst-case', 'gaussian', 'sphere'] as const) {
    const measured = { kind, adaptive: true, rho: 0.1 };
    const { mean } = await measureSharpness(flat, measured, { seed: 1, draws: 1 });
    // The second weight alone, by 0.2 at most, 0.1 times a normal draw of w for gaussian.
    expect(Math.abs(mean)).toBeLessThan(1.5);
  }
});

test('without a gradient a step leads nowhere, and the loss is no NaN', async () => {
  const still = quadratic(diagonal([1, 1]), [0, 0], new Float32Array(2));
  for (const adaptive of [false, true]) {
    const measured = { kind: 'one-step', adaptive, rho: 0.1 } as const;
    expect((await measureSharpness(still, measured, { seed: 1 })).mean).toBe(0);
  }
});

describe('by parts', () => {
  const w = Float32Array.of(1, 1);
  // Their mean is the whole: (3 0; 0 3), centre 0.
  const parts = [quadratic(diagonal([6, 0]), [0, 0], w), quadratic(diagonal([0, 6]), [0, 0], w)];
  const whole = quadratic(diagonal([3, 3]), [0, 0], w);
  const rho = 0.1;

  test('the mean over parts, each with a perturbation of its own', async () => {
    const measured = { kind: 'one-step', adaptive: false, rho } as const;
    const seen: number[] = [];
    const row = await measureByParts(
      parts,
      128,
      measured,
      { seed: 1 },
      { onPart: (n) => seen.push(n) },
    );
    // Each part climbs by rho along its own axis: 3 ((1 + rho)^2 - 1).
    const each = 3 * (1.1 ** 2 - 1);
    expect(row).toMatchObject({ ...measured, m: 128, count: 2, loss: 3 });
    expect(row.mean).toBeCloseTo(each, 6);
    expect(row.std).toBeCloseTo(0, 6);
    expect(seen).toEqual([1, 2]);
    // One perturbation for both: rho over both axes.
    const together = await measureSharpness(whole, measured, { seed: 1 });
    expect(together.mean).toBeCloseTo(1.5 * 2 * ((1 + rho / Math.SQRT2) ** 2 - 1), 6);
    expect(row.mean).toBeGreaterThan(together.mean);
  });

  test('the worst case of parts is not below that of the whole', async () => {
    const measured = { kind: 'worst-case', adaptive: false, rho } as const;
    const row = await measureByParts(parts, 1, measured, { seed: 1 });
    const together = await measureSharpness(whole, measured, { seed: 1 });
    expect(row.mean).toBeGreaterThan(together.mean);
  });

  test('parts draw at random each for itself, and the first as the whole sample', async () => {
    const measured = { kind: 'gaussian', adaptive: false, rho } as const;
    const alike = [whole, whole, whole];
    const row = await measureByParts(alike, 1, measured, { seed: 1, draws: 2 });
    const alone = await measureSharpness(whole, measured, { seed: 1, draws: 2 });
    const first = await measureByParts([whole], 1, measured, { seed: 1, draws: 2 });
    expect(first.mean).toBe(alone.mean);
    // All six draws of the same function.
    const six = await measureSharpness(whole, measured, { seed: 1, draws: 6 });
    expect(row.mean).toBeCloseTo(six.mean, 12);
    expect(row.std).toBeGreaterThan(0);
  });

  test('parts that are opened in turn, and uneven ones', async () => {
    const opened = ['first', 'second'];
    async function* inTurn() {
      for (const [i] of opened.entries())
        yield await Promise.resolve(quadratic([[i + 1]], [0], Float32Array.of(1)));
    }
    const measured = { kind: 'one-step', adaptive: false, rho: 1 } as const;
    const row = await measureByParts(inTurn(), 4, measured, { seed: 1 });
    expect(row.mean).toBeCloseTo((1.5 + 3) / 2, 6);
    expect(row.loss).toBeCloseTo((0.5 + 1) / 2, 6);
    expect(row.std).toBeCloseTo(1.5 / Math.SQRT2, 6);
  });
});

test('evaluations are counted, and called off in between', async () => {
  for (const [kind, of] of [
    ['one-step', 2],
    ['worst-case', 42],
    ['gaussian', 4],
  ] as const) {
    const heard: number[] = [];
    const measured = { kind: kind satisfies SharpnessKind, adaptive: false, rho: 0.1 };
    const options = { seed: 1, draws: 3, restarts: 1 };
    const onProduct = (done: number, most: number) => {
      expect(most).toBe(of);
      heard.push(done);
    };
    await measureSharpness(objective, measured, options, { onProduct });
    expect(heard).toEqual(Array.from({ length: of }, (_, i) => i + 1));
    const signal = AbortSignal.abort(new Error('called off'));
    const stopped = measureSharpness(objective, measured, options, { signal });
    await expect(stopped).rejects.toThrow('called off');
  }
});

test('an ascent ends where the loss is not a number, and so does what it found', async () => {
  let passes = 0;
  const broken = {
    ...objective,
    lossAndGradient: async (w: Float32Array) => {
      const found = await objective.lossAndGradient(w);
      return ++passes < 3 ? found : { ...found, loss: NaN };
    },
  };
  const { loss, climbs, rise } = await ascend(broken, { rho: 0.1, adaptive: false, seed: 1 });
  expect(loss).toBeGreaterThan(0);
  expect(climbs.map(({ rises }) => rises.map(Number.isNaN))).toEqual([[false, true]]);
  expect(rise).toBeNaN();
  expect(passes).toBe(3);
});
