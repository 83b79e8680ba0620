import { describe, expect, test } from 'vitest';
import { visibleGpus } from '../../src/cli/machine.js';

// As nvidia-smi --query-gpu=index,uuid,name --format=csv,noheader writes them.
const LISTED = `0, GPU-8f2a1c00-0000-1111-2222-333344445555, NVIDIA H100 80GB HBM3
1, GPU-91b7d300-0000-1111-2222-333344445555, NVIDIA H100 80GB HBM3
2, GPU-c0ffee00-0000-1111-2222-333344445555, NVIDIA A2
`;
const [H100, A2] = ['NVIDIA H100 80GB HBM3', 'NVIDIA A2'];

describe('the GPUs that CUDA may use', () => {
  test.each([
    [undefined, [H100, H100, A2]],
    ['2,0', [A2, H100]],
    [' 1 , GPU-c0ffee', [H100, A2]],
    // CUDA reads no further than what is not there.
    ['2,7,0', [A2]],
    ['', []],
    ['-1', []],
    ['0,0', []],
    ['GPU-', []],
  ])('CUDA_VISIBLE_DEVICES=%s', (visible, names) => {
    expect(visibleGpus(LISTED, visible)).toEqual(names);
  });

  test.each(['', 'No devices were found\n'])('none of %j', (listed) => {
    expect(visibleGpus(listed, undefined)).toEqual([]);
  });
});
