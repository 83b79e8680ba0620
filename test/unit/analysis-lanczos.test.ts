// Lanczos and what is made of it, on matrices whose eigenvalues are known.
import { describe, expect, test } from 'vitest';
import { findExtremes, ritzPairs, ritzVector } from '../../src/analysis/eigenvalues.js';
import {
  isClosed,
  lanczosFrom,
  lanczosStep,
  startStream,
  type LanczosState,
} from '../../src/analysis/lanczos.js';
import { tridiagonalEigenpairs } from '../../src/analysis/tridiagonal.js';
import { combination, dot, norm, type Product } from '../../src/analysis/vectors.js';
import { RunError } from '../../src/util/errors.js';
import { expectNear } from '../native/support/compare.js';
import { messageOf } from '../support/errors.js';
import { goldenQuadratic, goldenVector } from '../support/golden-analysis.js';
import {
  diagonal,
  goldenObjective,
  inFloat32,
  quadratic,
  withSpectrum,
} from './analysis-support.js';

const golden = goldenQuadratic();
const SIZE = golden.spectrum.length;
const probe = goldenVector([{ 1: [SIZE] }], 'probe', 0);

async function stepped(product: Product, state: LanczosState, steps: number) {
  for (let i = 0; i < steps; i++) {
    state = await lanczosStep(product, state, (step) => startStream(1, step));
  }
  return state;
}

/** The largest |q_i . q_j - (i = j)|. */
const skewness = ({ basis }: LanczosState): number =>
  Math.max(
    ...basis.flatMap((q, i) => basis.map((other, j) => Math.abs(dot(q, other) - Number(i === j)))),
  );

const values = (pairs: readonly { readonly value: number }[]) => pairs.map(({ value }) => value);

test('the eigenvalues of a tridiagonal matrix', () => {
  // 2 - 2 cos(pi j / (n + 1)), with components sin(pi i j / (n + 1)).
  const n = 12;
  const pairs = tridiagonalEigenpairs(new Array<number>(n).fill(2), new Array<number>(n).fill(-1));
  for (const [j, { value, vector }] of pairs.entries()) {
    expect(value).toBeCloseTo(2 - 2 * Math.cos((Math.PI * (j + 1)) / (n + 1)), 12);
    const sine = Float64Array.from(vector, (_, i) =>
      Math.sin((Math.PI * (i + 1) * (j + 1)) / (n + 1)),
    );
    expect(Math.abs(dot(vector, sine)) / norm(sine)).toBeCloseTo(1, 12);
  }
  expect(() => tridiagonalEigenpairs([1, NaN], [0])).toThrow('internal:');
});

describe('the golden quadratic', () => {
  test('T is that of float64', async () => {
    const { hessianProduct } = goldenObjective();
    const { alpha, beta } = await stepped(hessianProduct, lanczosFrom(probe), 10);
    expectNear('alpha', alpha, golden.lanczos.alpha, 2e-6);
    expectNear('beta', beta.slice(0, 9), golden.lanczos.beta, 2e-6);
    const pairs = tridiagonalEigenpairs(alpha, beta);
    expectNear('nodes', values(pairs), golden.lanczos.nodes, 2e-6);
    const weights = pairs.map(({ vector }) => vector[0]! ** 2);
    expectNear('weights', weights, golden.lanczos.weights, 2e-6);
  });

  test('both ends, signed, each value once', async () => {
    const { hessianProduct, asked } = goldenObjective();
    const options = { top: 4, bottom: 2, steps: 100, seed: 3 };
    const { top, bottom, state } = await findExtremes(hessianProduct, SIZE, options);
    expectNear('top', values(top), golden.spectrum.slice(0, 4), 1e-6);
    expectNear('bottom', values(bottom), golden.spectrum.slice(-2).reverse(), 1e-6);
    for (const pair of [...top, ...bottom]) {
      expect(pair.converged).toBe(true);
      const x = ritzVector(state, pair);
      expect(norm(x)).toBeCloseTo(1, 6);
      const rest = norm(combination([1, await hessianProduct(x)], [-pair.value, x]));
      expect(Math.abs(rest - pair.residual)).toBeLessThan(2e-6 * 10);
    }
    expect(asked.products).toBeLessThan(SIZE);
  });

  test('the most negative is the smallest, where it is the largest in size, too', async () => {
    const { hessianProduct } = withSpectrum([93, 40, 8, 1, 0.5, 0, -3, -20, -100, -324]);
    const options = { top: 1, bottom: 1, steps: 10, seed: 1 };
    const { top, bottom } = await findExtremes(hessianProduct, 10, options);
    expectNear('top', values(top), [93], 1e-5);
    expectNear('bottom', values(bottom), [-324], 1e-6);
  });

  test('all, repeated ones as often as they are there', async () => {
    const { hessianProduct } = goldenObjective();
    const options = { top: SIZE, bottom: 0, steps: 100, seed: 1 };
    const { top, bottom, state } = await findExtremes(hessianProduct, SIZE, options);
    expect(bottom).toEqual([]);
    expect(top.every(({ converged }) => converged)).toBe(true);
    for (const [i, value] of values(top).entries()) {
      expect(Math.abs(value - golden.spectrum[i]!)).toBeLessThan(1e-5);
    }
    expect(skewness(state)).toBeLessThan(1e-6);
  });
});

describe('products that are computed in float32', () => {
  test.each([
    ['the golden quadratic', golden.spectrum],
    ['low rank', [5, 3, -1, ...new Array<number>(21).fill(0)]],
    ['six orders of magnitude', Array.from({ length: 24 }, (_, i) => 100 * 2 ** -i)],
  ])('all eigenvalues of %s, to rounding', async (_, spectrum) => {
    const options = { top: SIZE, bottom: 2, steps: 100, seed: 1 };
    const { top, bottom, state } = await findExtremes(inFloat32(spectrum), SIZE, options);
    const sorted = spectrum.toSorted((a, b) => b - a);
    const size = Math.max(...spectrum.map(Math.abs));
    for (const [i, { value, converged }] of top.entries()) {
      expect(converged).toBe(true);
      expect(Math.abs(value - sorted[i]!)).toBeLessThan(2e-6 * size);
    }
    expect(values(bottom)).toEqual(values(top).slice(-2).reverse());
    expect(skewness(state)).toBeLessThan(1e-6);
  });
});

test('the residual says how far away an eigenvalue can be before the last is reached', async () => {
  const { hessianProduct } = goldenObjective();
  const state = await stepped(hessianProduct, lanczosFrom(probe), 5);
  const pairs = ritzPairs(state);
  expect(pairs).toHaveLength(5);
  for (const { value, residual, converged } of pairs) {
    expect(converged).toBe(false);
    const nearest = Math.min(...golden.spectrum.map((one) => Math.abs(one - value)));
    expect(nearest).toBeLessThanOrEqual(residual);
  }
});

describe('a space that is closed early', () => {
  const RANK_THREE = [5, 3, -1, ...new Array<number>(21).fill(0)];

  test('low rank: 0 in T, a new vector, and no number that is not there', async () => {
    const { hessianProduct } = withSpectrum(RANK_THREE);
    const first = await stepped(hessianProduct, lanczosFrom(probe), 4);
    expect(isClosed(first)).toBe(true);
    expect(skewness(first)).toBeLessThan(1e-6);
    const options = { top: SIZE, bottom: 1, steps: 100, seed: 1 };
    const { top, bottom, state } = await findExtremes(hessianProduct, SIZE, options);
    expect(skewness(state)).toBeLessThan(1e-6);
    const sorted = RANK_THREE.toSorted((a, b) => b - a);
    for (const [i, value] of values(top).entries()) {
      expect(Math.abs(value - sorted[i]!)).toBeLessThan(5e-6);
    }
    expectNear('bottom', values(bottom), [-1], 2e-6);
  });

  test('low rank: the search ends once a new vector has nothing larger', async () => {
    const { hessianProduct, asked } = withSpectrum(RANK_THREE);
    const options = { top: 5, bottom: 2, steps: 100, seed: 1 };
    const { top, bottom } = await findExtremes(hessianProduct, SIZE, options);
    for (const [i, value] of [5, 3, 0, 0, 0].entries()) {
      expect(Math.abs(values(top)[i]! - value)).toBeLessThan(5e-6);
    }
    expect(values(bottom)[0]).toBeCloseTo(-1, 5);
    expect(asked.products).toBeLessThan(9);
  });

  test.each([
    [1, 0, [3], []],
    [2, 0, [3, 3], []],
    [0, 3, [], [1, 1, 1]],
    [3, 1, [3, 3, 3], [1]],
    [4, 3, [3, 3, 3, 1], [1, 1, 1]],
  ])('repeated eigenvalues: top %i, bottom %i', async (top, bottom, largest, smallest) => {
    const nowhere = new Float32Array(6);
    const { hessianProduct } = quadratic(diagonal([3, 1, 3, 1, 3, 1]), nowhere, nowhere);
    const options = { top, bottom, steps: 6, seed: 5 };
    const found = await findExtremes(hessianProduct, 6, options);
    expect(found.state.beta[1]).toBe(0);
    for (const [end, wanted] of [
      ['top', largest],
      ['bottom', smallest],
    ] as const) {
      expect(values(found[end])).toHaveLength(wanted.length);
      for (const [i, value] of values(found[end]).entries()) {
        expect(value).toBeCloseTo(wanted[i]!, 5);
        const x = ritzVector(found.state, found[end][i]!);
        expectNear('A x', await hessianProduct(x), combination([wanted[i]!, x]), 1e-6);
      }
      expect(found[end].every(({ converged }) => converged)).toBe(true);
    }
  });

  test('no curvature at all', async () => {
    const zero = (v: Float32Array) => Promise.resolve(new Float32Array(v.length));
    const { top } = await findExtremes(zero, 5, { top: 2, bottom: 1, steps: 5, seed: 1 });
    expect(values(top)).toEqual([0, 0]);
    expect(top.every(({ converged }) => converged)).toBe(true);
  });

  test('one weight', async () => {
    const { hessianProduct } = quadratic([[7]], [0], Float32Array.of(1));
    const { top } = await findExtremes(hessianProduct, 1, { top: 3, bottom: 3, steps: 9, seed: 1 });
    expect(values(top)).toEqual([7]);
  });
});

describe('a run that goes on', () => {
  const { hessianProduct } = goldenObjective();
  const options = { top: SIZE, bottom: 0, steps: SIZE, seed: 9 };

  test('from a state that was saved gives the same bits, beyond a restart, too', async () => {
    const saved: string[] = [];
    const whole = await findExtremes(hessianProduct, SIZE, {
      ...options,
      onState: ({ basis, alpha, beta }) => {
        saved.push(JSON.stringify({ basis: basis.map((q) => [...q]), alpha, beta }));
      },
    });
    expect(saved).toHaveLength(SIZE);
    expect(whole.state.beta.slice(0, -1)).toContain(0);
    for (const at of [0, 7, 16, 20, SIZE - 1]) {
      const { basis, alpha, beta } = JSON.parse(saved[at]!) as {
        basis: number[][];
        alpha: number[];
        beta: number[];
      };
      const state = { basis: basis.map((q) => Float32Array.from(q)), alpha, beta };
      expect(await findExtremes(hessianProduct, SIZE, { ...options, state })).toEqual(whole);
    }
  });

  test('is heard and called off between products', async () => {
    const stop = new AbortController();
    const heard: string[] = [];
    const onProduct = (done: number, of: number) => {
      heard.push(`${done} of ${of}`);
      if (done === 3) setImmediate(() => stop.abort(new Error('called off')));
    };
    const run = findExtremes(hessianProduct, SIZE, options, { signal: stop.signal, onProduct });
    await expect(run).rejects.toThrow('called off');
    expect(heard).toEqual(['1 of 24', '2 of 24', '3 of 24']);
  });

  test('ends where a product is not finite', async () => {
    const broken = (v: Float32Array) => Promise.resolve(v.map(() => NaN));
    const message = await messageOf(findExtremes(broken, SIZE, options), RunError);
    expect(message).toBe('product 1 of the Lanczos method is not finite');
  });
});

test('the basis stays orthogonal over many steps and blocks', async () => {
  const size = 20_000;
  const curvature = Float64Array.from({ length: size }, (_, i) =>
    i < 3 ? 100 - i : (i % 97) / 97,
  );
  const product: Product = (v) => Promise.resolve(v.map((x, i) => x * curvature[i]!));
  const options = { top: 4, bottom: 1, steps: 40, seed: 2 };
  const { top, state } = await findExtremes(product, size, options);
  expectNear('top', values(top).slice(0, 3), [100, 99, 98], 1e-6);
  // Without orthogonalisation the largest comes back as the second and third.
  expect(top[3]!.value).toBeLessThan(1.01);
  expect(skewness(state)).toBeLessThan(1e-6);
});
