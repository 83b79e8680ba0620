// Optimizers on gradients that can be worked out by hand.
import { describe, expect, test } from 'vitest';
import { OPTIMIZERS } from '../../src/catalogue/optimizers.js';
import type { OptimizerConfig } from '../../src/catalogue/schema.js';
import { tf, type Tensor1D } from '../../src/native/tensorflow.js';
import { Layout } from '../../src/nn/layout.js';
import { required } from '../../src/util/errors.js';
import {
  describeOptimizer,
  everyOptimizer,
  optimizerConfig,
  optimizerOf,
} from './support/optimizers.js';

type Vector = readonly number[];
/** The gradient of one step's batch at w. */
type Gradient = (w: Tensor1D) => Tensor1D;

const always =
  (...gradient: number[]): Gradient =>
  () =>
    tf.tensor1d(gradient);
/** The gradient of |w - center|^2 / 2. */
const towards =
  (...center: number[]): Gradient =>
  (w) =>
    tf.sub(w, tf.tensor1d(center));

interface Start {
  readonly w: Vector;
  readonly rate: number;
  /** State vectors that do not start at 0, and the number of the first step. */
  readonly state?: Readonly<Record<string, Vector>>;
  readonly step?: number;
  /** What w is cut into, by their shapes; left out: one vector. */
  readonly shapes?: readonly (readonly number[])[];
}

/** One step after the other, each with a batch of its own; `eps` is the second pass's place less the first's. */
function run(
  config: OptimizerConfig,
  { w, rate, state = {}, step = 0, shapes = [[w.length]] }: Start,
  batches: Gradient[],
) {
  const layout = new Layout();
  shapes.forEach((shape, i) => layout.add(`tensor ${i}`, shape));
  expect(layout.size).toBe(w.length);
  const optimizer = optimizerOf(config, layout.tensors);
  const fill = (name: string): Vector => state[name] ?? w.map(() => 0);
  let vectors = Object.fromEntries(optimizer.state.map((name) => [name, fill(name)]));
  let weights = w;
  return batches.map((gradient, t) => {
    const places: Vector[] = [];
    tf.tidy(() => {
      const scalars = Object.entries(optimizer.scalars(step + t, rate));
      const next = optimizer.step(
        [
          {
            inPlace: (body) => body(),
            parts: [
              {
                share: 1,
                gradientAt: (at) => {
                  places.push(Array.from(at.dataSync()));
                  return { gradient: gradient(at) };
                },
              },
            ],
          },
        ],
        tf.tensor1d([...weights]),
        tensors(vectors),
        Object.fromEntries(scalars.map(([name, value]) => [name, tf.scalar(value)])),
        optimizer.kinds.at(step + t),
        (vectors) => vectors,
      );
      weights = Array.from(next.w.dataSync());
      const written = Object.entries(next.state);
      vectors = {
        ...vectors,
        ...Object.fromEntries(
          written.map(([name, tensor]) => [name, Array.from(tensor.dataSync())]),
        ),
      };
    });
    const [first = [], second] = places;
    const eps = second?.map((value, i) => value - (first[i] ?? 0));
    return { w: weights, state: vectors, eps };
  });
}

const tensors = (vectors: Readonly<Record<string, Vector>>) =>
  Object.fromEntries(
    Object.entries(vectors).map(([name, values]) => [name, tf.tensor1d([...values])]),
  );

function expectClose(got: Vector | undefined, wanted: Vector, digits = 6): void {
  expect(got).toHaveLength(wanted.length);
  wanted.forEach((value, i) => {
    expect(got?.[i]).toBeCloseTo(value, digits);
  });
}

const bare = { momentum: 0, weightDecay: 0 };

describe('sgd', () => {
  const start = { w: [1, -2], rate: 0.1 };
  const batches = [always(0.5, 0.25), always(0.5, 0.25)];

  test('momentum without dampening, decay added to the gradient', () => {
    const config = optimizerConfig({ name: 'sgd', momentum: 0.5, weightDecay: 0.1 });
    const [first, second] = run(config, start, batches);
    // v = (0.5 + 0.1, 0.25 - 0.2); then v = 0.5 v + (0.5 + 0.094, 0.25 - 0.2005)
    expectClose(first?.w, [0.94, -2.005]);
    expectClose(second?.w, [0.8506, -2.01245]);
    expectClose(second?.state['momentum'], [0.894, 0.0745]);
  });

  test('nesterov', () => {
    const config = optimizerConfig({
      name: 'sgd',
      momentum: 0.5,
      weightDecay: 0.1,
      nesterov: true,
    });
    const [first, second] = run(config, start, batches);
    // g + 0.5 v: (0.9, 0.075); then v = 0.5 (0.6, 0.05) + (0.591, 0.04925)
    expectClose(first?.w, [0.91, -2.0075]);
    expectClose(second?.w, [0.80635, -2.0161375]);
  });

  test('clipNorm shortens a longer gradient and leaves a shorter one', () => {
    const config = optimizerConfig({ name: 'sgd', ...bare, clipNorm: 1 });
    const [long, short] = run(config, { w: [0, 0], rate: 1 }, [always(3, 4), always(0.3, 0.4)]);
    expectClose(long?.w, [-0.6, -0.8]);
    expectClose(short?.w, [-0.9, -1.2]);
  });
});

describe('adamw', () => {
  test('two steps with bias correction and decoupled decay', () => {
    const config = optimizerConfig({ name: 'adamw', weightDecay: 0.1 });
    const batches = [always(0.5, 0.25), always(-1, 0.25)];
    const [first, second] = run(config, { w: [1, -2], rate: 0.1 }, batches);
    // The first step is the sign of the gradient; w (1 - 0.01) - 0.1 sign g.
    expectClose(first?.w, [0.89, -2.08]);
    // m = 0.9 0.05 - 0.1, v = 0.999 0.00025 + 0.001; corrections 1 - 0.81 and 1 - 0.998001.
    const step = -0.055 / 0.19 / Math.sqrt(0.00124975 / 0.001999);
    expectClose(second?.w, [0.89 * 0.99 - 0.1 * step, -2.08 * 0.99 - 0.1]);
    expectClose(second?.state['firstMoment'], [-0.055, 0.0475]);
    expectClose(second?.state['secondMoment'], [0.00124975, 0.0001249375], 9);
  });
});

describe('weight decay of matrices only', () => {
  const decayed = 'matrices';
  const rate = 0.1;
  /** A bias of two, a matrix, two biases side by side, a kernel, all of it with a gradient of 1. */
  const w = [1, 2, 3, 4, 5, 6, 7, 8];
  const shapes = [[2], [1, 2], [1], [1], [1, 1, 2, 1]];
  const start = { w, rate, shapes };
  const isMatrix = [0, 0, 1, 1, 0, 0, 1, 1];
  const ones = always(...w.map(() => 1));

  test('sgd', () => {
    const config = optimizerConfig({ name: 'sgd', momentum: 0.5, weightDecay: 0.2, decayed });
    const [first, second] = run(config, start, [ones, ones]);
    const v1 = w.map((x, i) => 1 + 0.2 * x * isMatrix[i]!);
    const w1 = w.map((x, i) => x - rate * v1[i]!);
    expectClose(first?.w, w1, 5);
    const v2 = w1.map((x, i) => 0.5 * v1[i]! + 1 + 0.2 * x * isMatrix[i]!);
    expectClose(second?.state['momentum'], v2, 5);
    expectClose(
      second?.w,
      w1.map((x, i) => x - rate * v2[i]!),
      5,
    );
  });

  test('adamw', () => {
    const config = optimizerConfig({ name: 'adamw', weightDecay: 0.2, decayed });
    const [first] = run(config, start, [ones]);
    // The first step is the sign of the gradient.
    expectClose(
      first?.w,
      w.map((x, i) => x * (1 - rate * 0.2 * isMatrix[i]!) - rate),
      5,
    );
  });

  // msam decays where all of its momentum leads.
  const numberByNumber = everyOptimizer.filter(({ name }) => name !== 'msam');
  test.each(numberByNumber.map((config) => [describeOptimizer(config), config] as const))(
    '%s',
    (_, config) => {
      const at = (keys: Partial<OptimizerConfig>, ofShapes = shapes) =>
        run({ ...config, weightDecay: 0.2, ...keys }, { ...start, shapes: ofShapes }, [ones, ones]);
      const [all, none] = [at({}), at({ weightDecay: 0 })];
      const wanted = all.map((step, t) =>
        step.w.map((x, i) => (isMatrix[i] === 1 ? x : none[t]!.w[i])),
      );
      // What one number comes to has nothing to do with its neighbours' decay: the gradient is 1 everywhere.
      expect(at({ decayed }).map((step) => step.w)).toEqual(wanted);
      expect(all[1]!.w).not.toEqual(wanted[1]);
      expect(at({ decayed }, [[2, 4]])).toEqual(all);
      expect(at({ decayed }, [[8]])).toEqual(none);
      expect(at({ decayed, weightDecay: 0 })).toEqual(none);
    },
  );
});

describe('sam', () => {
  test('climbs rho along the gradient and descends from w', () => {
    const config = optimizerConfig({ name: 'sam', ...bare, rho: 0.5 });
    const [step] = run(config, { w: [3, 4], rate: 0.1 }, [towards(0, 0)]);
    expectClose(step?.eps, [0.3, 0.4]);
    expectClose(step?.w, [3 - 0.33, 4 - 0.44]);
  });

  test('adaptive: along w^2 g, of length rho where each weight is measured by its size', () => {
    const scaled: Gradient = (w) => tf.mul(w, tf.tensor1d([4, 1]));
    for (const config of [
      optimizerConfig({ name: 'asam', ...bare, rho: Math.SQRT2 }),
      optimizerConfig({ name: 'sam', adaptive: true, ...bare, rho: Math.SQRT2 }),
    ]) {
      // g = (4, 2), |w| g = (4, 4), w^2 g = (4, 8)
      const [step] = run(config, { w: [1, -2], rate: 0.1 }, [scaled]);
      expectClose(step?.eps, [1, -2]);
      expectClose(step?.w, [1 - 0.8, -2 + 0.4]);
    }
  });

  test('decay acts at w only, clipNorm on the gradient that is descended along only', () => {
    const plain = optimizerConfig({ name: 'sam', ...bare, rho: 0.5 });
    const start = { w: [3, 4], rate: 0.1 };
    const [decayed] = run({ ...plain, weightDecay: 0.5 }, start, [towards(0, 0)]);
    expectClose(decayed?.eps, [0.3, 0.4]);
    expectClose(decayed?.w, [3 - 0.33 - 0.15, 4 - 0.44 - 0.2]);
    const [clipped] = run({ ...plain, clipNorm: 0.5 }, start, [towards(0, 0)]);
    expectClose(clipped?.eps, [0.3, 0.4]);
    expectClose(clipped?.w, [3 - 0.03, 4 - 0.04]);
  });

  test('a gradient of 0 climbs nowhere', () => {
    for (const name of ['sam', 'asam'] as const) {
      const [step] = run(optimizerConfig({ name, ...bare }), { w: [0, 1], rate: 1 }, [
        always(0, 0),
      ]);
      expect(step?.eps).toEqual([0, 0]);
      expect(step?.w).toEqual([0, 1]);
    }
  });
});

describe('fsam', () => {
  const config = optimizerConfig({ name: 'fsam', ...bare, rho: 1, sigma: 1, lambda: 0.6 });
  const still = { w: [0, 0], rate: 0 };
  const batches = [always(3, 4), always(3, 0), always(0, 2.4)];

  test("the code's order: the old average is taken out, and starts as the first gradient", () => {
    const steps = run(config, still, batches);
    expectClose(steps[0]?.eps, [0.6, 0.8]);
    expectClose(steps[0]?.state['ema'], [3, 4]);
    expectClose(steps[1]?.eps, [0, -1]);
    expectClose(steps[1]?.state['ema'], [3, 2.4]);
    expectClose(steps[2]?.eps, [-1, 0]);
    expectClose(steps[2]?.state['ema'], [1.8, 2.4]);
  });

  test("the paper's order: the new average is taken out, and starts at 0", () => {
    const steps = run({ ...config, emaOrder: 'paper' }, still, batches);
    expectClose(steps[0]?.eps, [0.6, 0.8]);
    expectClose(steps[0]?.state['ema'], [1.2, 1.6]);
    // m = (1.92, 0.96), so d = (1.08, -0.96)
    expectClose(steps[1]?.state['ema'], [1.92, 0.96]);
    const length = Math.hypot(1.08, 0.96);
    expectClose(steps[1]?.eps, [1.08 / length, -0.96 / length]);
  });

  test('both orders climb the same way for sigma 1 once they have the same average', () => {
    const later = { ...still, state: { ema: [2, -1] }, step: 5 };
    const [code] = run(config, later, [always(1, 3)]);
    const [paper] = run({ ...config, emaOrder: 'paper' }, later, [always(1, 3)]);
    expectClose(code?.eps, required(paper?.eps, 'eps'));
    expectClose(code?.state['ema'], required(paper?.state['ema'], 'ema'));
  });

  test("the paper's sigma is sigma lambda / (1 - sigma (1 - lambda)) in the code's order", () => {
    const later = { ...still, state: { ema: [2, -1] }, step: 5 };
    const sigma = (0.8 * 0.6) / (1 - 0.8 * 0.4);
    const [code] = run({ ...config, sigma }, later, [always(1, 3)]);
    const [paper] = run({ ...config, sigma: 0.8, emaOrder: 'paper' }, later, [always(1, 3)]);
    expectClose(code?.eps, required(paper?.eps, 'eps'));
  });

  test('the average is of gradients at w: no decay in it, no climb, no clipping', () => {
    const moving = { w: [3, 4], rate: 0.1 };
    const [step] = run({ ...config, weightDecay: 0.5, clipNorm: 0.1 }, moving, [towards(0, 0)]);
    expectClose(step?.state['ema'], [3, 4]);
  });

  test('adaptive: w^2 d', () => {
    // d = (4, 2) - (2, 1) = (2, 1); |w| d = (2, 2), w^2 d = (2, 4)
    const start = { w: [1, -2], rate: 0, state: { ema: [2, 1] }, step: 1 };
    const [step] = run({ ...config, adaptive: true, rho: Math.SQRT2 }, start, [always(4, 2)]);
    expectClose(step?.eps, [1, 2]);
  });
});

/** `first` at w, `second` at w + eps. */
function inTurn(first: Vector, second: Vector): Gradient {
  let calls = 0;
  return () => tf.tensor1d([...(calls++ === 0 ? first : second)]);
}

describe('rho', () => {
  const config = optimizerConfig({ name: 'sam', ...bare, rho: 0.5 });

  test('over the root of the step', () => {
    const start = { w: [0, 0], rate: 0.05, step: 3 };
    const [step] = run({ ...config, rhoSchedule: 'inverse-sqrt' }, start, [always(3, 4)]);
    expectClose(step?.eps, [0.15, 0.2]);
  });

  test('in proportion to the learning rate, which begins with 0.05', () => {
    const start = { w: [0, 0], rate: 0.025 };
    const scheduled = { ...config, rhoSchedule: 'rate', rhoMin: 0.1 } as const;
    const [step] = run(scheduled, start, [always(3, 4)]);
    expectClose(step?.eps, [0.18, 0.24]);
  });
});

test('vasso climbs along the average of gradients, which begins as the first', () => {
  const config = optimizerConfig({ name: 'vasso', ...bare, rho: Math.SQRT2, theta: 0.25 });
  const [first] = run(config, { w: [0, 0], rate: 0 }, [always(5, 5)]);
  expectClose(first?.eps, [1, 1]);
  expectClose(first?.state['ema'], [5, 5]);
  const start = { w: [0, 0], rate: 0, state: { ema: [4, 0] }, step: 1 };
  const [second] = run(config, start, [always(0, 12)]);
  expectClose(second?.state['ema'], [3, 3]);
  expectClose(second?.eps, [1, 1]);
});

describe('gsam', () => {
  // g = (2, 0), p = (1, 1): of g (1, -1) is orthogonal to p, of p (0, 1) to g.
  test.each([
    ['perturbed', [0.5, 1.5]],
    ['plain', [2, 0.5]],
  ] as const)('minimize %s', (minimize, descent) => {
    const config = optimizerConfig({ name: 'gsam', ...bare, alpha: 0.5, minimize });
    const [step] = run(config, { w: [0, 0], rate: 1 }, [inTurn([2, 0], [1, 1])]);
    expectClose(
      step?.w,
      descent.map((x) => -x),
    );
  });
});

test('looksam climbs every few steps, and adds what it saw there in between', () => {
  const config = optimizerConfig({ name: 'looksam', ...bare, every: 2, alpha: 0.5 });
  const start = { w: [0, 0], rate: 1 };
  const batches = [inTurn([2, 0], [1, 1]), always(3, 4), inTurn([2, 0], [1, 1])];
  const [look, between, again] = run(config, start, batches);
  expectClose(look?.w, [-1, -1]);
  expectClose(look?.state['orthogonal'], [0, 1]);
  // |g| = 5
  expect(between?.eps).toBeUndefined();
  expectClose(between?.w, [-1 - 3, -1 - 4 - 2.5]);
  expectClose(again?.w, [-5, -8.5]);
});

describe('the full gradient f = (0, 2) and a batch with g = (4, 2)', () => {
  const start = { w: [0, 0], rate: 1, state: { fullGradient: [0, 2] } };
  const full = { ...bare, rho: 3 };

  test('sam-full climbs along f', () => {
    const [step] = run(optimizerConfig({ name: 'sam-full', ...full }), start, [always(4, 2)]);
    expectClose(step?.eps, [0, 3]);
    expectClose(step?.w, [-4, -2]);
    expectClose(step?.state['fullGradient'], [0, 2]);
  });

  test.each([
    [{ projection: 'exact' }, [3, 0]],
    [{ projection: 'constant', sigma: 1 }, [3, 0]],
    // (4, 3/2) is as long as 4 (1, 3/8): sqrt(73) / 2.
    [{ projection: 'constant', sigma: 0.25 }, [24 / Math.sqrt(73), 9 / Math.sqrt(73)]],
  ] as const)('sam-noise climbs along what is left, %o', (keys, eps) => {
    const config = optimizerConfig({ name: 'sam-noise', ...full, ...keys });
    const [step] = run(config, start, [always(4, 2)]);
    expectClose(step?.eps, eps);
  });

  test('sam-noise does not climb along what rounding leaves of a batch without noise', () => {
    const config = optimizerConfig({ name: 'sam-noise', ...full });
    const state = { fullGradient: [1, 1.000001] };
    const [step] = run(config, { ...start, state }, [always(3, 3)]);
    expect(step?.eps).toEqual([0, 0]);
    expectClose(step?.w, [-3, -3]);
  });
});

test('msam takes gradient and decay where its momentum leads', () => {
  const config = optimizerConfig({ name: 'msam', rho: 0.5, momentum: 0, weightDecay: 0 });
  const start = { w: [3, 4], rate: 0.1, state: { momentum: [30, 40] } };
  const [step] = run(config, start, [towards(0, 0)]);
  expectClose(step?.w, [3 - 0.27, 4 - 0.36]);
  const [decayed] = run({ ...config, weightDecay: 0.5 }, start, [towards(0, 0)]);
  expectClose(decayed?.w, [3 - 0.27 - 0.135, 4 - 0.36 - 0.18]);
  const [first] = run(config, { w: [3, 4], rate: 0.1 }, [towards(0, 0)]);
  expectClose(first?.w, [2.7, 3.6]);
});

test('the state that each optimizer needs', () => {
  const needs = (config: OptimizerConfig) => [...optimizerOf(config, []).state].sort();
  expect(needs(optimizerConfig({ name: 'sgd', base: 'adamw' }))).toEqual(['momentum']);
  expect(needs(optimizerConfig({ name: 'adamw' }))).toEqual(['firstMoment', 'secondMoment']);
  expect(needs(optimizerConfig({ name: 'sam' }))).toEqual(['momentum']);
  expect(needs(optimizerConfig({ name: 'fasam', base: 'adamw' }))).toEqual([
    'ema',
    'firstMoment',
    'secondMoment',
  ]);
});

test.each(everyOptimizer.map((config) => [describeOptimizer(config), config] as const))(
  '%s takes as many gradients a step as the catalogue says',
  (_, config) => {
    let taken = 0;
    const gradient: Gradient = (w) => {
      taken++;
      return w;
    };
    run(config, { w: [3, 4], rate: 0.1 }, [gradient]);
    expect(taken).toBe(OPTIMIZERS[config.name].passes);
  },
);

test.each([
  // The gradient to descend along, and that at w, from which the average follows.
  ['fsam', 2],
  ['vasso', 2],
  ['sam', 2],
  ['sgd', 1],
  // And what it keeps of its climb, which does not follow from gradients alone.
  ['looksam', 3],
] as const)('%s: processes that share a batch sum %i vectors', (name, count) => {
  const layout = new Layout();
  layout.add('w', [2]);
  const optimizer = optimizerOf(optimizerConfig({ name }), layout.tensors);
  const sent: number[] = [];
  tf.tidy(() => {
    const part = { share: 1, gradientAt: (w: Tensor1D) => ({ gradient: tf.mul<Tensor1D>(w, 2) }) };
    const state = Object.fromEntries(optimizer.state.map((of) => [of, tf.tensor1d([1, 2])]));
    const scalars = Object.entries(optimizer.scalars(0, 0.1));
    optimizer.step(
      [{ inPlace: (body) => body(), parts: [part] }],
      tf.tensor1d([3, 4]),
      state,
      Object.fromEntries(scalars.map(([of, value]) => [of, tf.scalar(value)])),
      optimizer.kinds.at(0),
      (vectors) => {
        sent.push(vectors.length);
        return vectors;
      },
    );
  });
  expect(sent).toEqual([count]);
});
