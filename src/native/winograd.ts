// 3x3 convolution with a quarter of the multiplications, on CPUs: Winograd's minimal filtering
// F(4x4, 3x3), as ops of our own (src/native/ops/).
//
// Its rounding errors are those of float32 sums in another order, up to about twice direct
// convolution's (test/native/winograd.test.ts).
import { input, register, run, saved, single } from './kernel.js';
import { callOwnOp, usesOwnOps } from './own-ops.js';
import type { Tensor, Tensor4D } from './tensorflow.js';

const [FORWARD, INPUT, FILTER] = [
  'fsam.WinogradConv2D',
  'fsam.WinogradConv2DBackpropInput',
  'fsam.WinogradConv2DBackpropFilter',
];

// Each is linear in both of its inputs, so that the gradients of one are the others.
register({
  name: FORWARD,
  forward: (inputs) => callOwnOp('WinogradConv2D', [input(inputs, 'x'), input(inputs, 'filter')]),
  save: { inputs: ['x', 'filter'] },
  gradient: (dy, tensors) => ({
    x: () => run(INPUT, { dy: single(dy), filter: saved(tensors, 1) }) as Tensor,
    filter: () => run(FILTER, { x: saved(tensors, 0), dy: single(dy) }) as Tensor,
  }),
});

register({
  name: INPUT,
  forward: (inputs) =>
    callOwnOp('WinogradConv2DBackpropInput', [input(inputs, 'dy'), input(inputs, 'filter')]),
  save: { inputs: ['dy', 'filter'] },
  gradient: (c, tensors) => ({
    dy: () => run(FORWARD, { x: single(c), filter: saved(tensors, 1) }) as Tensor,
    filter: () => run(FILTER, { x: single(c), dy: saved(tensors, 0) }) as Tensor,
  }),
});

register({
  name: FILTER,
  forward: (inputs) =>
    callOwnOp('WinogradConv2DBackpropFilter', [input(inputs, 'x'), input(inputs, 'dy')]),
  save: { inputs: ['x', 'dy'] },
  gradient: (c, tensors) => ({
    x: () => run(INPUT, { dy: saved(tensors, 1), filter: single(c) }) as Tensor,
    dy: () => run(FORWARD, { x: saved(tensors, 0), filter: single(c) }) as Tensor,
  }),
});

/** Outputs of a tile along one axis. */
const TILE = 4;

/** With fewer the transforms cost more than the multiplications that they spare. */
const CHANNELS = 8;

/**
 * Whether the product of x [N H W I] and a filter [3 3 I O] is computed so: on a CPU, where it takes
 * half of the multiplications or fewer. On a GPU cuDNN chooses its own algorithms.
 */
export function suitsWinograd(x: Tensor4D, filter: Tensor4D): boolean {
  const [n, h, w] = x.shape;
  const [, , inputs, outputs] = filter.shape;
  // A tile takes 36 products for what are 9 a pixel; those over the border are for nothing.
  const tiles = Math.ceil(h / TILE) * Math.ceil(w / TILE);
  return (
    n > 0 &&
    h * w * 9 >= 2 * tiles * 36 &&
    inputs >= CHANNELS &&
    outputs >= CHANNELS &&
    usesOwnOps()
  );
}

/** X [N H W I] * filter [3 3 I O] -> [N H W O], zero padding of 1. */
export function winogradConv2d(x: Tensor4D, filter: Tensor4D): Tensor4D {
  return run(FORWARD, { x, filter }) as Tensor4D;
}
