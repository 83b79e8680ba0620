// The gradients of batch normalisation's own gradients, by formula.
//
// With h = (x - mean) r, r = 1 / sqrt(variance + eps), and <.> a mean over the pixels of a channel, the gradients
// for a = dy (0 where a ReLU behind it was off) are
//     dx = scale r (a - <a> - h <a h>)        dscale = sum a h        doffset = sum a
// Given cotangents u of dx, p of dscale and q of doffset, S = sum u dx + p dscale + q doffset is, of n pixels,
//     S = n (scale r Q + p <a h> + q <a>)     Q = <u a> - <u> <a> - <u h> <a h>
// and its gradients are below. mean and r are functions of x there: h and r pass on what comes to them.
import { saved } from './kernel.js';
import { tf, type Tensor } from './tensorflow.js';

/** [N H W C] -> [C] */
const overPixels = (x: Tensor): Tensor => tf.mean(x, [0, 1, 2]);

/**
 * @param cotangents of dx [N H W C], dscale [C] and doffset [C]
 * @param tensors dy, x, scale and offset
 * @param positive whether a ReLU is behind it
 * @param epsilon added to the variance
 */
export function secondGradients(
  cotangents: readonly Tensor[],
  tensors: readonly Tensor[],
  { positive, epsilon }: { readonly positive: boolean; readonly epsilon: number },
): Record<string, () => Tensor> {
  const [u, p, q] = [0, 1, 2].map((i) => saved(cotangents, i)) as [Tensor, Tensor, Tensor];
  const [dy, x, scale, offset] = [0, 1, 2, 3].map((i) => saved(tensors, i)) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const centred = tf.sub(x, overPixels(x));
  const r = tf.rsqrt(tf.add(overPixels(tf.square(centred)), epsilon));
  const h = tf.mul(centred, r);
  const active = positive
    ? tf.cast(tf.greater(tf.add(tf.mul(h, scale), offset), 0), 'float32')
    : undefined;
  const whereActive = (values: Tensor): Tensor =>
    active === undefined ? values : tf.mul(values, active);
  const a = whereActive(dy);
  const n = x.size / scale.size;
  const [ah, uh] = [overPixels(tf.mul(a, h)), overPixels(tf.mul(u, h))];
  const [am, um] = [overPixels(a), overPixels(u)];
  const Q = tf.sub(tf.sub(overPixels(tf.mul(u, a)), tf.mul(um, am)), tf.mul(uh, ah));
  const scaleR = tf.mul(scale, r);
  /** v - <v> - h <v h> */
  const projected = (v: Tensor, vm: Tensor, vh: Tensor): Tensor =>
    tf.sub(tf.sub(v, vm), tf.mul(h, vh));
  return {
    dy: () => {
      const ofA = tf.add(tf.mul(projected(u, um, uh), scaleR), tf.mul(h, p));
      return whereActive(tf.add(ofA, q));
    },
    x: () => {
      // What comes to h, and the way of it and of r to x.
      const k = tf.sub(tf.mul(a, p), tf.mul(tf.add(tf.mul(u, ah), tf.mul(a, uh)), scaleR));
      const throughH = tf.mul(projected(k, overPixels(k), overPixels(tf.mul(k, h))), r);
      return tf.sub(throughH, tf.mul(h, tf.mul(tf.mul(scaleR, r), Q)));
    },
    scale: () => tf.mul(tf.mul(r, Q), n),
    offset: () => tf.zerosLike(offset),
  };
}
