// Convolution of few channels on CPUs: patches of pixels times the filter, as ops of our own
// (src/native/ops/).
//
// TensorFlow's prepare each call for long, and pad and cut in ops of their own: the first, the strided and
// the 1x1 convolutions of a narrow network took a quarter of its step.
import { input, register, run, saved, single } from './kernel.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, eagerBackend, type Tensor, type Tensor4D } from './tensorflow.js';
import './winograd.js';

const call = (op: string, inputs: Tensor[]): Tensor =>
  activeBackend().executeSingleOutput(op, [], inputs);

/** By stride. */
const OPS = { 1: 'PatchConv2D', 2: 'PatchConv2DStrided' } as const;

for (const op of Object.values(OPS)) {
  register({
    name: `fsam.${op}`,
    forward: (inputs) => call(op, [input(inputs, 'x'), input(inputs, 'filter')]),
    save: { inputs: ['x', 'filter'] },
    gradient: (dy, tensors) => ({
      x: () => call(`${op}BackpropInput`, [saved(tensors, 0), saved(tensors, 1), single(dy)]),
      filter: () => call(`${op}BackpropFilter`, [saved(tensors, 0), saved(tensors, 1), single(dy)]),
    }),
  });
}

/** With fewer inputs the patches cost more than their products, with more channels oneDNN's products are quicker. */
const [FEWEST, MOST] = [8, 64];

/** Whether the product of x [N H W I] and a filter [K K I O] is computed so: on a CPU, of few channels. */
export function suitsPatches(x: Tensor4D, filter: Tensor4D, stride: number): boolean {
  const [n, h, w] = x.shape;
  const [kernel, , inputs, outputs] = filter.shape;
  return (
    n > 0 &&
    Math.min(h, w) > (kernel - 1) / 2 &&
    inputs >= FEWEST &&
    outputs > 0 &&
    Math.max(inputs, outputs) <= MOST &&
    stride in OPS &&
    !usesStockOps() &&
    !eagerBackend().binding.isUsingGpuDevice()
  );
}

/**
 * X [N H W I] * filter [K K I O], K odd -> [N H/stride W/stride O], rounded up; zero padding of (K - 1) / 2 on every
 * side. `stride`: 1 or 2.
 */
export function patchConv2d(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  return run(`fsam.${OPS[stride as keyof typeof OPS]}`, { x, filter }) as Tensor4D;
}
