// The layers of a transformer over tokens [N T D]: layer normalisation, attention, GELU.
import { inFloat32 } from '../native/bfloat16.js';
import { nameScope } from '../native/scope.js';
import { tf, type Tensor, type Tensor2D, type Tensor3D } from '../native/tensorflow.js';
import { constant, type Initialiser, zeros } from './initialisation.js';
import { linear } from './layers.js';
import type { Layer, NetworkBuilder } from './network.js';

/** A part of a network from tokens [N T D] to tokens. */
export type TokenLayer = Layer<Tensor3D, Tensor3D>;

/**
 * Every token to mean 0 and variance 1 over its D numbers (Ba et al., arXiv 1607.06450). Parameters
 * NAME.weight, NAME.bias [D].
 */
export function layerNorm(
  builder: NetworkBuilder,
  name: string,
  size: number,
  epsilon: number,
): TokenLayer {
  const scale = builder.normParameter(`${name}.weight`, [size], constant(1));
  const offset = builder.normParameter(`${name}.bias`, [size], zeros);
  return (x, pass) =>
    nameScope(name, () => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, tf.scalar(epsilon))));
      return tf.add(tf.mul(normal, pass.parameter(scale)), pass.parameter(offset));
    });
}

/** The same linear map of every token: [N T I] -> [N T O]. */
export function tokenLinear(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  initialiser: Initialiser,
): TokenLayer {
  const map = linear(builder, name, inputs, outputs, initialiser, zeros);
  return (x, pass) => {
    const [images, tokens] = x.shape;
    const rows = x.reshape<Tensor2D>([images * tokens, inputs]);
    return map(rows, pass).reshape([images, tokens, outputs]);
  };
}

/** x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel, arXiv 1606.08415). */
export function gelu<T extends Tensor>(x: T): T {
  const twice = tf.add(tf.erf(tf.mul(x, tf.scalar(Math.SQRT1_2))), tf.scalar(1));
  return tf.mul(tf.mul(x, tf.scalar(0.5)), twice);
}

/**
 * Multi-head self-attention (Vaswani et al., arXiv 1706.03762): softmax(q k' / sqrt(d)) v in each
 * head of d = D / heads numbers. Parameters NAME.qkv and NAME.proj, weights [I O] and biases; the
 * outputs of qkv are all of q, then k, then v, head by head.
 */
export function attention(
  builder: NetworkBuilder,
  name: string,
  size: number,
  heads: number,
  initialiser: Initialiser,
): TokenLayer {
  const qkv = tokenLinear(builder, `${name}.qkv`, size, 3 * size, initialiser);
  const out = tokenLinear(builder, `${name}.proj`, size, size, initialiser);
  const width = size / heads;
  return (x, pass) =>
    nameScope(name, () => {
      const [images, tokens] = x.shape;
      const apart = qkv(x, pass).reshape([images, tokens, 3, heads, width]);
      // [3 N heads T d]
      const [q, k, v] = tf.unstack(tf.transpose(apart, [2, 0, 3, 1, 4])) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const scale = tf.scalar(1 / Math.sqrt(width));
      const weights = inFloat32(tf.matMul(q, k, false, true), (scores) =>
        tf.softmax(tf.mul(scores, scale)),
      );
      const mixed = tf.matMul(weights, v);
      return out(tf.transpose(mixed, [0, 2, 1, 3]).reshape([images, tokens, size]), pass);
    });
}
