// 3x3 convolution with a quarter of the multiplications, on CPUs: Winograd's minimal filtering
// F(4x4, 3x3), as ops of our own (src/native/ops/).
//
// Its rounding errors are those of float32 sums in another order, up to about twice direct
// convolution's (test/native/winograd.test.ts).
import { input, register, run, saved, single } from './kernel.js';
import { callOwnOp, usesOwnOps } from './own-ops.js';
import type { Tensor4D } from './tensorflow.js';

register({
  name: 'fsam.WinogradConv2D',
  forward: (inputs) => callOwnOp('WinogradConv2D', [input(inputs, 'x'), input(inputs, 'filter')]),
  save: { inputs: ['x', 'filter'] },
  gradient: (dy, tensors) => ({
    x: () => callOwnOp('WinogradConv2DBackpropInput', [single(dy), saved(tensors, 1)]),
    filter: () => callOwnOp('WinogradConv2DBackpropFilter', [saved(tensors, 0), single(dy)]),
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
  return run('fsam.WinogradConv2D', { x, filter }) as Tensor4D;
}
