// The layers of a transformer over tokens [N T D]: layer normalisation, linear maps, attention.
import { inFloat32 } from '../native/bfloat16.js';
import { nameScope } from '../native/scope.js';
import { normaliseRows } from '../native/transformer.js';
import {
  tf,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
} from '../native/tensorflow.js';
import { constant, type Initialiser, zeros } from './initialisation.js';
import { dropout } from './dropout.js';
import { linear } from './layers.js';
import type { Layer, NetworkBuilder } from './network.js';
import { UserError } from '../util/errors.js';

/** A part of a network from tokens [N T D] to tokens. */
export type TokenLayer = Layer<Tensor3D, Tensor3D>;

interface WithBias {
  /** Left out: there is one. */
  readonly bias?: boolean;
}

/**
 * Every token to mean 0 and variance 1 over its D numbers (Ba et al., arXiv 1607.06450). Parameters
 * NAME.weight and, with a bias, NAME.bias [D].
 */
export function layerNorm(
  builder: NetworkBuilder,
  name: string,
  size: number,
  epsilon: number,
  { bias = true }: WithBias = {},
): TokenLayer {
  const scale = builder.normParameter(`${name}.weight`, [size], constant(1));
  const offset = bias ? builder.normParameter(`${name}.bias`, [size], zeros) : null;
  return (x, pass) =>
    nameScope(name, () =>
      normaliseRows(
        x,
        pass.parameter(scale) as Tensor1D,
        offset === null ? null : (pass.parameter(offset) as Tensor1D),
        epsilon,
      ),
    );
}

/** The same linear map of every token: [N T I] -> [N T O]. */
export function tokenLinear(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  initialiser: Initialiser,
  { bias = true }: WithBias = {},
): TokenLayer {
  const map = linear(builder, name, inputs, outputs, initialiser, bias ? zeros : null);
  return (x, pass) => {
    const [images, tokens] = x.shape;
    const rows = x.reshape<Tensor2D>([images * tokens, inputs]);
    return map(rows, pass).reshape([images, tokens, outputs]);
  };
}

export interface AttentionOptions extends WithBias {
  /** Of its two linear maps; left out: `qkv` and `proj`. */
  readonly names?: readonly [string, string];
  /** Of the second map; left out: as of the first. */
  readonly outInitialiser?: Initialiser;
  /** Whether a token sees only itself and those before it; left out: it sees all. */
  readonly causal?: boolean;
  /** Share of the weights of the mean over tokens that are dropped; left out: none. */
  readonly dropout?: number;
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
  options: AttentionOptions = {},
): TokenLayer {
  if (size % heads !== 0) {
    throw new UserError(
      `model.heads: got ${heads} for tokens of ${size} numbers, wanted a divisor of model.width`,
    );
  }
  const { names = ['qkv', 'proj'], outInitialiser = initialiser, causal = false } = options;
  const qkv = tokenLinear(builder, `${name}.${names[0]}`, size, 3 * size, initialiser, options);
  const out = tokenLinear(builder, `${name}.${names[1]}`, size, size, outInitialiser, options);
  const drop = dropout(builder, options.dropout ?? 0);
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
      const weights = inFloat32(tf.matMul(q, k, false, true), (products) => {
        const scores = tf.mul(products, scale);
        return tf.softmax(causal ? tf.add(scores, ofLater(tokens)) : scores);
      });
      const mixed = tf.matMul(drop(weights as Tensor4D, pass), v);
      return out(tf.transpose(mixed, [0, 2, 1, 3]).reshape([images, tokens, size]), pass);
    });
}

/** What softmax makes 0 of, whatever is added. */
const NEVER = -1e30;

/** [T T]: for each token (row) what takes the later ones (columns) out of its softmax, 0 elsewhere. */
function ofLater(tokens: number): Tensor2D {
  const places = tf.range(0, tokens);
  const isLater = tf.greater(tf.reshape(places, [1, tokens]), tf.reshape(places, [tokens, 1]));
  return tf.mul(tf.cast(isLater, 'float32'), NEVER);
}
