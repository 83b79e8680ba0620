// Which edges of stability a run is compared with, and where they lie: worked out by hand.
import { expect, test } from 'vitest';
import { edgesOf } from '../../src/analysis/edges.js';
import { configFrom } from '../support/configs.js';

const RATE = 0.1;
const LENGTH = 0.7;
/** By the steps' recurrence x' = (1 + b - rate h) x - b x'', whose root is -1 at 2 + 2 b; Nesterov's divides by 1 + 2 b. */
const [HEAVY_BALL, NESTEROV] = [3.8, 3.8 / 2.8];

const edgesWith = (...settings: string[]) => {
  const constant = ['schedule.name=constant', `schedule.learningRate=${RATE}`];
  const config = configFrom('smoke', ...constant, 'optimizer.momentum=0.9', ...settings);
  const progress = { epoch: 1, step: 4 };
  const record = { trainImages: 112, progress } as never;
  return edgesOf({ opened: { config }, analysed: { record } }, LENGTH);
};

test.each([
  ['sgd', false, HEAVY_BALL],
  ['sgd', true, NESTEROV],
  ['fsam', false, HEAVY_BALL],
] as const)('of %s, nesterov %s: c = %d', (name, nesterov, c) => {
  const edges = edgesWith(`optimizer.name=${name}`, `optimizer.nesterov=${nesterov}`);
  expect(edges.map((edge) => edge.name)).toEqual(['edge']);
  expect(edges[0]?.value).toBeCloseTo(c / RATE, 9);
  expect(edges[0]?.rate).toBe(RATE);
});

test('of SAM the edge is lower: rate x h x (1 + rho h / |g|) is c there', () => {
  const rho = 0.05;
  const settings = ['optimizer.name=sam', 'optimizer.nesterov=false', `optimizer.rho=${rho}`];
  const [plain, sam] = edgesWith(...settings);
  expect(plain?.value).toBeCloseTo(HEAVY_BALL / RATE, 9);
  expect(sam?.name).toBe('SAM edge');
  const h = sam?.value ?? NaN;
  expect(RATE * h * (1 + (rho * h) / LENGTH)).toBeCloseTo(HEAVY_BALL, 9);
});

test('of the last step, whatever the schedule', () => {
  // Four steps of eight are done: the last of them was taken at step 3, a rate of (1 + cos(3 pi / 8)) / 2.
  const [edge] = edgesWith(
    'schedule.name=cosine',
    'optimizer.name=sgd',
    'optimizer.nesterov=false',
  );
  expect(edge?.rate).toBeCloseTo((RATE * (1 + Math.cos((3 * Math.PI) / 8))) / 2, 9);
});

test.each(['optimizer.base=adamw', 'optimizer.clipNorm=1'])('none with %s', (setting) => {
  expect(edgesWith(setting)).toEqual([]);
});
