// Which batches a full gradient over so many examples takes, against counting them one by one.
import { expect, test } from 'vitest';
import { gradientsPerStep } from '../../src/catalogue/optimizers.js';
import { optimizerSchema } from '../../src/catalogue/schema.js';
import { fullGradientLines } from '../../src/experiment/full-gradient-lines.js';
import { batchesIn, epochOf, meanExamples, wholeBatches } from '../../src/util/whole-batches.js';
import { fakeConfig } from './experiment-fake-engine.js';

test.each([
  [64, 50],
  [60, 20],
  [7, 7],
  [5, 1],
  [13, 4],
])('%i examples in batches of %i', (examples, full) => {
  const sizes = Array.from({ length: Math.ceil(examples / full) }, (_, i) =>
    Math.min(full, examples - i * full),
  );
  const epoch = epochOf(examples, full);
  expect(batchesIn(epoch)).toBe(sizes.length);
  for (let wanted = 1; wanted <= examples; wanted++) {
    const counted = sizes.map((_, first) => {
      let [batches, sum] = [0, 0];
      while (sum < wanted) sum += sizes[(first + batches++) % sizes.length] ?? NaN;
      return { batches, examples: sum };
    });
    expect(sizes.map((_, first) => wholeBatches(epoch, first, wanted))).toEqual(counted);
    const mean = counted.reduce((sum, one) => sum + one.examples, 0) / sizes.length;
    expect(meanExamples(epoch, wanted)).toBeCloseTo(mean, 12);
  }
  expect(wholeBatches(epoch, sizes.length - 1, Infinity)).toEqual({
    batches: sizes.length,
    examples,
  });
});

const full = (samples: number | 'all', every = 1) =>
  optimizerSchema.parse({ name: 'sam-full', fullGradient: { samples, every } });

test('a step costs whole batches', () => {
  // A batch of 32 for one image.
  expect(gradientsPerStep(full(1), 32, 320)).toBe(3);
  // 64 images after the first step, 50 after the second.
  expect(gradientsPerStep(full(50), 50, 64)).toBeCloseTo(2 + 57 / 50, 12);
  expect(gradientsPerStep(full(1000, 5), 50, 5000)).toBe(6);
  expect(gradientsPerStep(full('all'), 50, 5000)).toBe(102);
  // A batch is the whole set.
  expect(gradientsPerStep(full('all'), 32, 20)).toBe(3);
});

test('what is said of them at the start', () => {
  const said = (changes: Record<string, unknown>) =>
    fullGradientLines(fakeConfig({ batchSize: 32, ...changes }), 320);
  expect(said({ optimizer: full(1) })).toEqual([
    'full gradient: over whole batches with at least 1 of 320 images every step: about 1.5 times the work of sam',
  ]);
  expect(said({ optimizer: full('all', 2) })).toEqual([
    'full gradient: over 320 images every 2 steps: about 3.5 times the work of sam',
  ]);
  // Of 320 in batches of 50 that are full, 300 are trained on.
  expect(said({ optimizer: full('all'), batchSize: 50, dropLast: true })).toEqual([
    'full gradient: over 300 images every step: about 4.0 times the work of sam',
  ]);
  expect(said({ probes: { every: 2 } })).toEqual([
    'probes: every 2 steps, the full gradient f over 320 images, about 11.0 gradients a probe',
  ]);
  expect(said({ probes: { every: 1, samples: 40 } })).toEqual([
    'probes: every step, the full gradient f over whole batches with at least 40 of 320 images, about 3.0 gradients a probe; |f|^2 has the sampling variance of so few in it',
  ]);
});
