// The list of kernels against what is known of TensorFlow: scripts/check-gpu-kernels.mjs rests on it.
import { expect, test } from 'vitest';
import { registeredKernels } from '../../src/native/registered-kernels.js';
import { DATA_TYPE } from '../../src/native/types.js';

const kernels = registeredKernels();

/** Whether the CPU has a kernel of `op` whose attribute `T` may be of that type. */
const takes = (op: string, type: keyof typeof DATA_TYPE): boolean =>
  kernels.some(
    (kernel) =>
      kernel.op === op &&
      kernel.device === 'CPU' &&
      kernel.types.get('T')?.includes(DATA_TYPE[type]),
  );

test('a convolution takes float32 and bfloat16, not bool; a sum of bools there is not', () => {
  expect(takes('Conv2D', 'float32')).toBe(true);
  expect(takes('Conv2D', 'bfloat16')).toBe(true);
  expect(takes('Conv2D', 'bool')).toBe(false);
  expect(takes('Sum', 'bool')).toBe(false);
});

test('any device has Shape, and its output lies in the host’s memory', () => {
  const shapes = kernels.filter(({ op, device }) => op === 'Shape' && device === 'DEFAULT');
  expect(shapes.length).toBeGreaterThan(0);
  expect(shapes.every(({ onHost }) => onHost.includes('output'))).toBe(true);
});
