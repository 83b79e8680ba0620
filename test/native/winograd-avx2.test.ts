// What winograd.test.ts expects, of the AVX2 instructions.
import './support/only-avx2.js';
import './winograd.test.js';
import { expect, test } from 'vitest';
import { instructionSet } from '../../src/native/own-ops.js';

test('uses them', () => {
  expect(instructionSet()).toBe(process.arch === 'x64' ? 'avx2' : 'plain');
});
