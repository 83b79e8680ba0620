// Directions and points of slices through the loss, against float64 PyTorch and by hand.
import { describe, expect, test } from 'vitest';
import { drawDirection, filterNormalised } from '../../src/analysis/directions.js';
import {
  evenly,
  linePlaces,
  pathPoint,
  planePlaces,
  slicePoint,
  type Place,
} from '../../src/analysis/landscape.js';
import { dot, norm } from '../../src/analysis/vectors.js';
import type { TensorSpec } from '../../src/nn/layout.js';
import { expectNear } from '../native/support/compare.js';
import { fill, goldenParameters } from '../native/support/golden.js';
import {
  goldenLayout,
  goldenNetwork,
  goldenVector,
  type GoldenNetwork,
} from '../support/golden-analysis.js';
const ALONG = evenly(-1, 1, 5);
const ACROSS = evenly(-0.5, 0.5, 3);

/** The losses at places, one after the other. */
async function losses(
  places: readonly Place[],
  pointAt: (place: Place) => Float32Array,
  loss: (w: Float32Array) => Promise<number>,
) {
  const found = [];
  for (const place of places) found.push({ place, loss: await loss(pointAt(place)) });
  return found;
}

const tensor = (shape: number[], offset = 0): TensorSpec => ({ name: 'w', shape, offset });

/** Mean cross-entropy of mlp-tanh over its batches at w, in float64. */
function lossOf({ batches }: GoldenNetwork): (w: Float32Array) => Promise<number> {
  const examples = batches.flatMap(({ step, images: [count = 0, inputs = 0] }) => {
    const [x, u] = [fill(20000 + step, count * inputs, 2), fill(30000 + step, count, 1, 0.5)];
    return Array.from({ length: count }, (_, i) => ({
      x: x.subarray(i * inputs, (i + 1) * inputs),
      label: Math.floor(3 * u[i]!),
    }));
  });
  return (w) => {
    // first.weight [6 5], first.bias [5], second.weight [5 3], second.bias [3].
    const layer = (x: ArrayLike<number>, at: number, outputs: number): number[] =>
      Array.from({ length: outputs }, (_, o) =>
        Array.from(x).reduce(
          (sum, value, i) => sum + value * w[at + i * outputs + o]!,
          w[at + x.length * outputs + o]!,
        ),
      );
    const losses = examples.map(({ x, label }) => {
      const logits = layer(layer(x, 0, 5).map(Math.tanh), 35, 3);
      return Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[label]!;
    });
    return Promise.resolve(losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
  };
}

test("the rows of a table of tokens each have the length of w's, as they are PyTorch's first axis", () => {
  const spec = { name: 'transformer.wte.weight', shape: [3, 2], offset: 0, size: 6 };
  const w = Float32Array.of(3, 4, 0, 0, 6, 8);
  const d = Float32Array.of(1, 0, 5, 5, 0, -2);
  const table = filterNormalised(d, w, [spec]);
  expect(Array.from(table)).toEqual([5, 0, 0, 0, 0, -10]);
  // The columns of a matrix are neurons: of length sqrt(45) and sqrt(80).
  const matrix = filterNormalised(d, w, [{ ...spec, name: 'fc.weight' }]);
  expect(matrix[0]).toBeCloseTo(Math.sqrt(45 / 26), 6);
  expect(matrix[5]).toBeCloseTo(-2 * Math.sqrt(80 / 29), 6);
});

describe('the golden directions', () => {
  test.each(['mlp-tanh', 'vit', 'resnet18-evaluation', 'vgg11-bn-evaluation'])('%s', (name) => {
    const { tensors, slice, w_norm } = goldenNetwork(name);
    const w = goldenParameters({ tensors });
    expectNear('w', norm(w), w_norm, 1e-7);
    const x = filterNormalised(goldenVector(tensors, 'slice', 0), w, goldenLayout(tensors));
    expectNear('length', norm(x), slice.direction_norm, 1e-6);
    expect(Math.abs(dot(x, w) - slice.direction_dot_w)).toBeLessThan(1e-6 * norm(x) * w_norm);
  });

  test('losses of mlp-tanh on a line and in a plane', async () => {
    const golden = goldenNetwork('mlp-tanh');
    const { tensors, slice, plane } = golden;
    const w = goldenParameters({ tensors });
    const loss = lossOf(golden);
    expectNear('loss', await loss(w), golden.loss, 1e-7);
    const [x, y, kept] = (
      [
        [0, 'zero'],
        [1, 'zero'],
        [0, 'weights'],
      ] as const
    ).map(([s, small]) =>
      filterNormalised(goldenVector(tensors, 'slice', s), w, goldenLayout(tensors), small),
    );
    const line = await losses(linePlaces(ALONG), slicePoint(w, [x!]), loss);
    expectNear(
      'line',
      line.map((point) => point.loss),
      slice.losses,
      1e-6,
    );
    const all = await losses(linePlaces(ALONG), slicePoint(w, [kept!]), loss);
    expectNear(
      'kept',
      all.map((point) => point.loss),
      slice.losses_small_tensors_kept,
      1e-6,
    );
    const places = planePlaces(ACROSS, ACROSS);
    const points = await losses(places, slicePoint(w, [x!, y!]), loss);
    expectNear(
      'plane',
      points.map((point) => point.loss),
      plane.flat(),
      1e-6,
    );
    expect(points.map(({ place }) => place).slice(0, 4)).toEqual([
      [-0.5, -0.5],
      [-0.5, 0],
      [-0.5, 0.5],
      [0, -0.5],
    ]);
  });
});

describe('filter normalisation by hand', () => {
  test('[I O]: each column, the weights of one neuron', () => {
    // w's columns have the lengths 5 and 2, d's 1 and 10.
    const w = Float32Array.of(3, 0, 4, 2);
    const d = Float32Array.of(1, 6, 0, -8);
    const x = filterNormalised(d, w, [tensor([2, 2])]);
    expectNear('x', x, [5, 1.2, 0, -1.6], 1e-7);
  });

  test('[K K I O]: each filter', () => {
    // One by two places, two inputs, two filters.
    const w = Float32Array.of(1, 0, 1, 6, 1, 8, 1, 0);
    const d = Float32Array.of(2, 1, 0, 1, 0, 1, 0, 1);
    const x = filterNormalised(d, w, [tensor([1, 2, 2, 2])]);
    expectNear('x', x, [2, 5, 0, 5, 0, 5, 0, 5], 1e-7);
  });

  test('[1 T D]: tokens are one slice', () => {
    const x = filterNormalised(Float32Array.of(1, 1, 1, 1), Float32Array.of(0, 6, 8, 0), [
      tensor([1, 2, 2]),
    ]);
    expectNear('x', x, [5, 5, 5, 5], 1e-7);
  });

  test('[N] and []: nothing, and not the weights themselves unless asked for', () => {
    const tensors = [tensor([2]), tensor([], 2), tensor([1, 1], 3)];
    const [w, d] = [Float32Array.of(5, 6, 7, 3), Float32Array.of(1, 1, 1, -2)];
    expect([...filterNormalised(d, w, tensors)]).toEqual([0, 0, 0, -3]);
    expect([...filterNormalised(d, w, tensors, 'weights')]).toEqual([5, 6, 7, -3]);
  });

  test('a filter without weights, or without a direction, stays', () => {
    const x = filterNormalised(Float32Array.of(1, 0, 1, 0), Float32Array.of(0, 1, 0, 1), [
      tensor([2, 2]),
    ]);
    expect([...x]).toEqual([0, 0, 0, 0]);
  });
});

test('directions are normal, of mean 0, seeded, and nearly at right angles', () => {
  const size = 40_000;
  const [d, other] = [drawDirection(size, 1, 0), drawDirection(size, 1, 1)];
  // A direction of mean 0.5, as uniform numbers have, would lead along the weights' own signs.
  expect(Math.abs(d.reduce((sum, x) => sum + x, 0) / size)).toBeLessThan(4 / Math.sqrt(size));
  expect(norm(d) ** 2 / size).toBeCloseTo(1, 1);
  expect(Math.abs(dot(d, other)) / size).toBeLessThan(4 / Math.sqrt(size));
  expect(drawDirection(size, 1, 0)).toEqual(d);
  expect(drawDirection(size, 2, 0)).not.toEqual(d);
});

describe('points', () => {
  test('evenly: both ends, and 0 in the middle', () => {
    expect(evenly(-1, 1, 5)).toEqual([-1, -0.5, 0, 0.5, 1]);
    const many = evenly(-0.7, 0.7, 51);
    expect([many[0], many[25], many[50]]).toEqual([-0.7, 0, 0.7]);
    expect(evenly(0.3, 2, 1)).toEqual([0.3]);
  });

  test('the middle of a slice is w to the bit', () => {
    const w = Float32Array.of(0.1, -7e8, 3e-30);
    const at = slicePoint(w, [drawDirection(3, 1, 0), drawDirection(3, 1, 1)]);
    expect(at([0, 0])).toEqual(w);
    expect(slicePoint(w, [Float32Array.of(1, 0, -2)])([0.5])).toEqual(
      Float32Array.of(0.1 + 0.5, -7e8, -1),
    );
  });

  test('a path begins at one network and ends at the other, to the bit', () => {
    const [w0, w1] = [Float32Array.of(0.1, 3), Float32Array.of(0.7, -1)];
    const places = linePlaces(evenly(0, 1, 3));
    expect(places).toEqual([[0], [0.5], [1]]);
    const seen = places.map(pathPoint(w0, w1));
    expect(seen[0]).toEqual(w0);
    expectNear('halfway', seen[1]!, [0.4, 1], 1e-7);
    expect(seen[2]).toEqual(w1);
  });
});
