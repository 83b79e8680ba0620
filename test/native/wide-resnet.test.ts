// Sizes of wide residual networks that are known from elsewhere, with both ways to count their blocks.
import { expect, test } from 'vitest';
import { modelSchema } from '../../src/catalogue/schema.js';
import { buildModel } from '../../src/models/models.js';

const parametersOf = (name: string, stageBlocks: 'code' | 'paper' | null, classes: number) =>
  buildModel(modelSchema.parse({ name, stageBlocks }), {
    height: 32,
    width: 32,
    channels: 3,
    classes,
  }).parameters.size;

test("the paper's wrn-28-10 has 36,536,884 parameters with 100 classes", () => {
  expect(parametersOf('wrn-28-10', 'paper', 100)).toBe(36_536_884);
});

// Two 3x3 convolutions and two norms of 160, 320 and 640 channels: a block more in each stage.
const BLOCKS = [160, 320, 640].reduce((sum, c) => sum + 2 * 9 * c * c + 4 * c, 0);

test("the authors' code, which null means, has a block more in every stage: 46.2 million", () => {
  expect(parametersOf('wrn-28-10', 'code', 100)).toBe(36_536_884 + BLOCKS);
  expect(parametersOf('wrn-28-10', null, 100)).toBe(36_536_884 + BLOCKS);
});

// Table 4 of the paper, in millions, for CIFAR-10.
test.each([
  ['wrn-40-4', 8.9],
  ['wrn-16-8', 11.0],
  ['wrn-28-10', 36.5],
])('the table of the paper: %s', (name, millions) => {
  expect(Math.abs(parametersOf(name, 'paper', 10) / 1e6 - millions)).toBeLessThan(0.06);
});

test('a stage of one block', () => {
  // By hand, width 16, widening 1, 10 classes: the stem; a stage: norm, two convolutions, a norm between, the shortcut.
  const stage = (inputs: number, outputs: number) =>
    2 * inputs + 9 * inputs * outputs + 2 * outputs + 9 * outputs * outputs + inputs * outputs;
  const stages = stage(16, 16) + stage(16, 32) + stage(32, 64);
  expect(parametersOf('wrn-10-1', 'paper', 10)).toBe(9 * 3 * 16 + stages + 2 * 64 + 64 * 10 + 10);
});
