// Convolution of few channels on CPUs: patches of pixels times the filter, as ops of our own
// (src/native/ops/).
//
// TensorFlow's prepare each call for long, and pad and cut in ops of their own: the first, the strided and
// the 1x1 convolutions of a narrow network took a quarter of its step.
import { detached, input, register, run, saved, single } from './kernel.js';
import { callOwnOp, usesOwnOps } from './own-ops.js';
import type { Tensor, Tensor4D } from './tensorflow.js';

/** By stride. */
const OPS = { 1: 'PatchConv2D', 2: 'PatchConv2DStrided' } as const;

for (const op of Object.values(OPS)) {
  const [forward, ofInput, ofFilter] = [
    `fsam.${op}`,
    `fsam.${op}BackpropInput`,
    `fsam.${op}BackpropFilter`,
  ];
  // Each is linear in two of its inputs; the third only has the shape of what comes out.
  register({
    name: forward,
    forward: (inputs) => callOwnOp(op, [input(inputs, 'x'), input(inputs, 'filter')]),
    save: { inputs: ['x', 'filter'] },
    gradient: (dy, tensors) => {
      const [x, filter] = [saved(tensors, 0), saved(tensors, 1)];
      return {
        x: () => run(ofInput, { like: detached(x), filter, dy: single(dy) }) as Tensor,
        filter: () => run(ofFilter, { x, like: detached(filter), dy: single(dy) }) as Tensor,
      };
    },
  });
  register({
    name: ofInput,
    forward: (inputs) =>
      callOwnOp(`${op}BackpropInput`, [
        input(inputs, 'like'),
        input(inputs, 'filter'),
        input(inputs, 'dy'),
      ]),
    save: { inputs: ['filter', 'dy'] },
    gradient: (c, tensors) => {
      const [filter, dy] = [saved(tensors, 0), saved(tensors, 1)];
      return {
        filter: () => run(ofFilter, { x: single(c), like: filter, dy }) as Tensor,
        dy: () => run(forward, { x: single(c), filter }) as Tensor,
      };
    },
  });
  register({
    name: ofFilter,
    forward: (inputs) =>
      callOwnOp(`${op}BackpropFilter`, [
        input(inputs, 'x'),
        input(inputs, 'like'),
        input(inputs, 'dy'),
      ]),
    save: { inputs: ['x', 'dy'] },
    gradient: (c, tensors) => {
      const [x, dy] = [saved(tensors, 0), saved(tensors, 1)];
      return {
        x: () => run(ofInput, { like: x, filter: single(c), dy }) as Tensor,
        dy: () => run(forward, { x, filter: single(c) }) as Tensor,
      };
    },
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
