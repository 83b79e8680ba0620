// The edge of stability by hand, and objectives that are no functions.
import { describe, expect, test } from 'vitest';
import { checkDeterminism } from '../../src/analysis/determinism.js';
import { stabilityEdge } from '../../src/analysis/edge.js';
import { RunError } from '../../src/util/errors.js';
import { messageOf } from '../support/errors.js';
import { goldenObjective } from './analysis-support.js';

describe('the edge of stability', () => {
  test('gradient descent: 2 / rate', () => {
    expect(stabilityEdge(0.01, 0, 3)).toBe(200);
    expect(stabilityEdge(0.01, 0, 0)).toBe(200);
  });

  test('SAM, by hand', () => {
    // 8 rho / (rate |g|) = 8: half of (sqrt(9) - 1) |g| / rho is 10.
    expect(stabilityEdge(0.1, 0.1, 1)).toBeCloseTo(10, 12);
    // 8 rho / (rate |g|) = 24: (2 / 0.3) (5 - 1) / 2.
    expect(stabilityEdge(0.05, 0.3, 2)).toBeCloseTo((2 / 0.6) * 4, 10);
  });

  test.each([
    [0.1, 0.05, 2],
    [0.1, 1e-9, 0.3],
    [1e-3, 2, 1e-4],
  ])('solves rate lambda (1 + rho lambda / |g|) = 2: %f, %f, %f', (rate, rho, gradient) => {
    const lambda = stabilityEdge(rate, rho, gradient);
    expect(rate * lambda * (1 + (rho * lambda) / gradient)).toBeCloseTo(2, 10);
    expect(lambda).toBeLessThanOrEqual(2 / rate);
  });

  // Steps along an eigenvector, of the optimizers' own rules: on one side of the edge they die out, beyond it they grow.
  test.each([
    [0, false, 0],
    [0.9, false, 0],
    [0.9, true, 0],
    [0.5, true, 0.2],
    [0.9, false, 0.05],
  ])('with momentum %f, nesterov %s, rho %f', (momentum, nesterov, rho) => {
    const [rate, gradient] = [0.1, 0.7];
    const edge = stabilityEdge(rate, rho, gradient, { momentum, nesterov });
    const distance = (lambda: number): number => {
      // |g| is held: the climb's share of the gradient is what it is at the start.
      const slope = lambda * (1 + (rho * lambda) / gradient);
      let [w, velocity] = [1, 0];
      for (let step = 0; step < 500; step++) {
        const g = slope * w;
        velocity = momentum * velocity + g;
        w -= rate * (nesterov ? g + momentum * velocity : velocity);
      }
      return Math.abs(w);
    };
    expect(distance(0.98 * edge)).toBeLessThan(1e-3);
    expect(distance(1.02 * edge)).toBeGreaterThan(1e3);
  });

  test('comes down to 0 as the gradient goes', () => {
    expect(stabilityEdge(0.1, 0.05, 1e-12)).toBeLessThan(1e-3);
    expect(stabilityEdge(0.1, 0.05, 0)).toBe(0);
  });
});

describe('an objective that is drawn anew', () => {
  const objective = goldenObjective();
  const refused = (changed: Partial<typeof objective>): Promise<string> =>
    messageOf(checkDeterminism({ ...objective, ...changed }), RunError);
  let calls = 0;
  const noise = (): number => (calls++ % 2 === 0 ? 1 : 1 + 1e-3);

  test('one that is a function passes, rounding included', async () => {
    await checkDeterminism(objective);
    const rounded = {
      ...objective,
      lossAndGradient: async (w: Float32Array) => {
        const { loss, gradient } = await objective.lossAndGradient(w);
        const factor = 1 + (noise() - 1) / 1e3;
        return { loss, gradient: gradient.map((x) => x * factor) };
      },
    };
    await checkDeterminism(rounded);
  });

  test('the loss', async () => {
    const message = await refused({
      lossAndGradient: async (w) => {
        const { loss, gradient } = await objective.lossAndGradient(w);
        return { loss: loss * noise(), gradient };
      },
    });
    expect(message).toContain('the loss at the same weights came out differently a second time');
    for (const cause of ['dropout', 'augmentation', 'BatchNorm']) expect(message).toContain(cause);
  });

  test('the gradient alone', async () => {
    const message = await refused({
      lossAndGradient: async (w) => {
        const { loss, gradient } = await objective.lossAndGradient(w);
        const factor = noise();
        return { loss, gradient: gradient.map((x) => x * factor) };
      },
    });
    expect(message).toContain('the gradient at the same weights');
  });

  test('two functions of the same name', async () => {
    const message = await refused({ loss: async (w) => 1.01 * (await objective.loss(w)) });
    expect(message).toContain('the two do not compute the same function');
  });

  test('nothing to analyse', async () => {
    const message = await refused({
      lossAndGradient: async (w) => ({ ...(await objective.lossAndGradient(w)), loss: NaN }),
    });
    expect(message).toContain('the loss at the weights analysed is NaN');
  });
});
