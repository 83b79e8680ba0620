// What `fsam doctor` finds of all that a GPU needs, whether or not there is one: a line for each fault.
import { dirname } from 'node:path';
import { askDriver, hasOwnCuda, LIBRARIES, openCuda } from '../native/cuda.js';
import type { Setup } from '../native/device.js';
import { GPU_DEFAULTS, settleGpuEnvironment } from '../native/gpu-environment.js';

type Finding = readonly [label: string, text: string];

/** Empty where the library is for the CPU. To be asked before TensorFlow is loaded. */
export function gpuFindings({ device, libraryDirectory }: Setup): Finding[] {
  if (device === 'cpu') return [];
  const { lack, note } = askDriver(process.env['CUDA_VISIBLE_DEVICES']);
  return [
    ['driver', lack ?? note],
    ...cuda(dirname(libraryDirectory)),
    [
      'TF32',
      'on: a GPU multiplies float32 with 10 bits; tf32 false, in a configuration, has all 23',
    ],
    [
      'determinism',
      'off: runs on a GPU may differ; deterministic true, in a configuration, has them equal',
    ],
    ...settleGpuEnvironment(GPU_DEFAULTS).map(({ name, value, by, effect }): Finding => [
      'set',
      `${name}=${value}, by ${by}: ${effect}`,
    ]),
  ];
}

function cuda(folder: string): Finding[] {
  if (!hasOwnCuda(folder)) {
    return [['CUDA', `not from the set-up: TensorFlow looks for it by itself, from ${folder} on`]];
  }
  const libraryPath = process.env['LD_LIBRARY_PATH'];
  const { faults, cudnn, ptxas } = openCuda({ folder, libraryPath });
  if (faults.length > 0) return faults.map((fault): Finding => ['fault', fault]);
  const opened = `all ${LIBRARIES.length} libraries open`;
  return [['CUDA', `${opened}, cuDNN ${cudnn ?? '?'}, ptxas ${ptxas ?? '?'}`]];
}
