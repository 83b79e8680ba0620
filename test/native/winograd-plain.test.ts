// What winograd.test.ts expects, without instructions that only some processors have.
import './support/only-plain.js';
import './winograd.test.js';
import { expect, test } from 'vitest';
import { instructionSet } from '../../src/native/own-ops.js';

test('uses them', () => {
  expect(instructionSet()).toBe('plain');
});
