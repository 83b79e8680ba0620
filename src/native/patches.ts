// Convolution of few channels on CPUs: patches of pixels times the filter, as ops of our own
// (src/native/ops/).
//
// TensorFlow's prepare each call for long, and pad and cut in ops of their own: the first, the strided and
// the 1x1 convolutions of a narrow network took a quarter of its step.
import { input, register, run, saved, single } from './kernel.js';
import { callOwnOp, usesOwnOps } from './own-ops.js';
import type { Tensor4D } from './tensorflow.js';

/** By stride. */
const OPS = { 1: 'PatchConv2D', 2: 'PatchConv2DStrided' } as const;

for (const op of Object.values(OPS)) {
  register({
    name: `fsam.${op}`,
    forward: (inputs) => callOwnOp(op, [input(inputs, 'x'), input(inputs, 'filter')]),
    save: { inputs: ['x', 'filter'] },
    gradient: (dy, tensors) => ({
      x: () => callOwnOp(`${op}BackpropInput`, [saved(tensors, 0), saved(tensors, 1), single(dy)]),
      filter: () =>
        callOwnOp(`${op}BackpropFilter`, [saved(tensors, 0), saved(tensors, 1), single(dy)]),
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
    usesOwnOps()
  );
}

/**
 * X [N H W I] * filter [K K I O], K odd -> [N H/stride W/stride O], rounded up; zero padding of (K - 1) / 2 on every
 * side. `stride`: 1 or 2.
 */
export function patchConv2d(x: Tensor4D, filter: Tensor4D, stride: number): Tensor4D {
  return run(`fsam.${OPS[stride as keyof typeof OPS]}`, { x, filter }) as Tensor4D;
}
