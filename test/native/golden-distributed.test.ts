// Batches shared by two workers as PyTorch's DistributedDataParallel shares them, as parts on two devices and as parts in turn;
// and weight decay of all parameters, or of those of two or more dimensions only.
import { describe, expect, test } from 'vitest';
import { expectNoDifferences } from './support/compare.js';
import {
  BOUND,
  differences,
  openDistributed,
  PARTED,
  RUNS,
  type Way,
} from './support/golden-distributed.js';
import { goldenDistributed, type GoldenDistributed } from './support/golden.js';

const ALONE: readonly Way[] = (['eager', 'traced'] as const).map((how) => ({
  ...{ way: how, how, cut: { microBatches: 1 }, rule: 'mean' },
}));
const SHARED: readonly Way[] = [
  { way: 'parts in turn, eager', how: 'eager', cut: { microBatches: 2 }, rule: 'in_turn' },
  { way: 'parts in turn, traced', how: 'traced', cut: { microBatches: 2 }, rule: 'in_turn' },
  {
    ...{ way: 'two devices, eager', how: 'eager', rule: 'mean' },
    cut: { microBatches: 1, devices: 2 },
  },
  {
    ...{ way: 'two devices, traced', how: 'traced', rule: 'mean' },
    cut: { microBatches: 1, devices: 2 },
  },
];
const waysOf = ({ run: { options } }: GoldenDistributed): readonly Way[] =>
  options.workers === undefined ? ALONE : SHARED;

describe.each(RUNS.map((golden) => ({ golden, kind: golden.run.kind })))('$kind', ({ golden }) => {
  test.each(waysOf(golden))('three steps as in PyTorch, $way', (way) => {
    const [network, training] = openDistributed(golden, way);
    expectNoDifferences((attempt) => {
      training.start(attempt);
      return differences(training, network, golden, way.rule);
    });
    training.dispose();
  });
});

test.each(PARTED.map((one) => [one.run.kind, one]))(
  '%s: parts on two devices give the bits of parts in turn',
  (_, golden) => {
    const ends = SHARED.filter(({ how }) => how === 'traced').map((way) => {
      const [, training] = openDistributed(golden, way);
      const steps = golden.run.steps.map(({ lr }, t) => training.step(t, lr));
      const vectors = (['parameters', 'momentum'] as const).map((name) => training.read(name));
      training.dispose();
      return { steps, vectors };
    });
    expect(ends[1]).toEqual(ends[0]);
  },
);

test('the golden numbers tell one from the other by far more than is allowed', () => {
  const find = (kind: string) => goldenDistributed().find(({ run }) => run.kind === kind)?.run;
  const [all, matrices] = [find('sgd'), find('sgd-decay-2d-only')];
  const [before = NaN] = all?.final_first_bn_weight ?? [];
  const [after = NaN] = matrices?.final_first_bn_weight ?? [];
  expect(Math.abs(after / before - 1)).toBeGreaterThan(5 * BOUND.weights);
});
