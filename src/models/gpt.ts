// A language model: a transformer that tells each token of a window from those before it.
//
// Radford et al., "Language Models are Unsupervised Multitask Learners" (2019; GPT-2), in the form and with
// the parameter names of karpathy/nanoGPT (model.py at 3adf61e): norms before each branch, learned
// positions, and the table of tokens once more as the last layer. GELU is exact there, too. Linear weights
// and tables are normal with standard deviation 0.02, those at the end of a branch divided by the root of
// the number of branches; biases 0. Our linear weights are [I O], tables [V D] as theirs.
import { widened } from '../native/bfloat16.js';
import { rowsOf } from '../native/embedding.js';
import { nameScope } from '../native/scope.js';
import { gelu } from '../native/transformer.js';
import { tf, type Tensor2D, type Tensor3D } from '../native/tensorflow.js';
import { dropout } from '../nn/dropout.js';
import { normal } from '../nn/initialisation.js';
import type { Network, NetworkBuilder } from '../nn/network.js';
import { attention, layerNorm, tokenLinear, type TokenLayer } from '../nn/transformer.js';

const DEVIATION = 0.02;
const initialiser = normal(DEVIATION);
const EPSILON = 1e-5;
/** Numbers inside the two-layer perceptron of a block, per number of a token. */
const EXPANSION = 4;

export interface GptOptions {
  /** Tokens T of a window. */
  readonly context: number;
  /** Tokens V that there are. */
  readonly vocabulary: number;
  /** Numbers D of a token. */
  readonly size: number;
  readonly layers: number;
  readonly heads: number;
  readonly dropout: number;
  /** Whether linear layers and norms have biases. */
  readonly bias: boolean;
  /** Whether the last layer is the table of tokens. */
  readonly tied: boolean;
}

/**
 * Logits [N T V] of the token after each of [N T] (int32).
 *
 * Errors: UserError where heads do not divide the numbers of a token.
 */
export function gpt(builder: NetworkBuilder, options: GptOptions): Network {
  const { context, vocabulary, size, layers, bias, tied } = options;
  const table = builder.parameter('transformer.wte.weight', [vocabulary, size], initialiser);
  const positions = builder.parameter('transformer.wpe.weight', [context, size], initialiser);
  const drop = dropout<Tensor3D>(builder, options.dropout);
  const blocks = Array.from({ length: layers }, (_, i) =>
    block(builder, `transformer.h.${i}`, options),
  );
  const norm = layerNorm(builder, 'transformer.ln_f', size, EPSILON, { bias });
  const head = tied
    ? null
    : tokenLinear(builder, 'lm_head', size, vocabulary, initialiser, { bias: false });
  return builder.buildOver(2, 'gpt', (tokens, pass) => {
    const [windows, length] = tokens.shape;
    const known = pass.parameter(table) as Tensor2D;
    const placed = nameScope('transformer.embedding', () => {
      const rows = rowsOf(known, tf.reshape(tokens, [windows * length]));
      const words = rows.reshape<Tensor3D>([windows, length, size]);
      return builder.activations(tf.add<Tensor3D>(words, pass.parameter(positions)));
    });
    const last = blocks.reduce((x, one) => one(x, pass), drop(placed, pass));
    const features = norm(widened(last), pass);
    if (head !== null) return head(features, pass);
    return nameScope('head', () => {
      const flat = features.reshape<Tensor2D>([windows * length, size]);
      return tf.matMul(flat, known, false, true).reshape([windows, length, vocabulary]);
    });
  });
}

/** x + attention(norm(x)), and that plus perceptron(norm of it). */
function block(
  builder: NetworkBuilder,
  name: string,
  { size, layers, heads, dropout: rate, bias }: GptOptions,
): TokenLayer {
  const hidden = EXPANSION * size;
  const last = normal(DEVIATION / Math.sqrt(2 * layers));
  const norm1 = layerNorm(builder, `${name}.ln_1`, size, EPSILON, { bias });
  const attend = attention(builder, `${name}.attn`, size, heads, initialiser, {
    ...{ names: ['c_attn', 'c_proj'], outInitialiser: last, causal: true, dropout: rate, bias },
  });
  const norm2 = layerNorm(builder, `${name}.ln_2`, size, EPSILON, { bias });
  const widen = tokenLinear(builder, `${name}.mlp.c_fc`, size, hidden, initialiser, { bias });
  const narrow = tokenLinear(builder, `${name}.mlp.c_proj`, hidden, size, last, { bias });
  const drop = dropout<Tensor3D>(builder, rate);
  return (x, pass) => {
    const y = tf.add<Tensor3D>(x, drop(attend(norm1(x, pass), pass), pass));
    const inner = gelu(widen(norm2(y, pass), pass));
    return tf.add<Tensor3D>(y, drop(narrow(inner, pass), pass));
  };
}
