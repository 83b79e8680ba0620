// A small vision transformer for 32x32 images.
//
// Dosovitskiy et al., "An Image is Worth 16x16 Words" (arXiv 2010.11929), in the form and with the
// parameter names of DeiT (Touvron et al., arXiv 2012.12877): norms before each branch, a class
// token, learned positions, exact GELU, drop-path that rises from 0 to its rate at the last layer.
// Linear weights, class token and positions are normal with standard deviation 0.02, biases 0, the
// patch embedding PyTorch's default. It has no BatchNorm, and so no running statistics.
import { matching, widened } from '../native/bfloat16.js';
import { conv2d } from '../native/convolution.js';
import { nameScope } from '../native/scope.js';
import { gelu } from '../native/transformer.js';
import { tf, type Tensor2D, type Tensor3D, type Tensor4D } from '../native/tensorflow.js';
import { dropout, dropPath } from '../nn/dropout.js';
import { biasUniform, kaimingUniform, normal, zeros } from '../nn/initialisation.js';
import { classifier } from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';
import { attention, layerNorm, tokenLinear, type TokenLayer } from '../nn/transformer.js';
import { UserError } from '../util/errors.js';

const initialiser = normal(0.02);
const EPSILON = 1e-6;
/** Numbers inside the two-layer perceptron of a block, per number of a token. */
const EXPANSION = 4;

export interface VitOptions {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** Numbers D of a token. */
  readonly size: number;
  /** Side of a patch, in pixels. */
  readonly patch: number;
  readonly layers: number;
  readonly heads: number;
  readonly dropout: number;
  readonly dropPath: number;
}

/** Logits [N K] of images [N H W C]; H and W are multiples of the patch. */
export function vit(builder: NetworkBuilder, options: VitOptions): Network {
  check(options);
  const { height, width, classes, size, patch, layers } = options;
  const grid = { height: height / patch, width: width / patch };
  const tokens = grid.height * grid.width + 1;
  // As timm counts them: the last normalisation goes with the last layer.
  builder.fromOutput = layers + 1;
  const classToken = builder.parameter('cls_token', [1, 1, size], initialiser);
  const positions = builder.parameter('pos_embed', [1, tokens, size], initialiser, { grid });
  const embed = patchEmbedding(builder, options);
  const drop = dropout<Tensor3D>(builder, options.dropout);
  const blocks = Array.from({ length: layers }, (_, i) => {
    builder.fromOutput = layers - i;
    return block(builder, `blocks.${i}`, options, dropPathRate(options.dropPath, i, layers));
  });
  const norm = layerNorm(builder, 'norm', size, EPSILON);
  builder.fromOutput = 0;
  const head = classifier(builder, 'head', size, classes, initialiser, zeros);
  return builder.build('vit', (images, pass) => {
    const patches = embed(images, pass);
    const token = matching(patches, pass.parameter(classToken) as Tensor3D);
    const first = tf.tile(token, [patches.shape[0], 1, 1]);
    const joined = tf.concat([first, patches], 1);
    const placed = tf.add<Tensor3D>(joined, matching(joined, pass.parameter(positions)));
    const features = blocks.reduce((x, one) => one(x, pass), drop(placed, pass));
    const summary = tf.slice(norm(widened(features), pass), [0, 0, 0], [-1, 1, -1]);
    return head(summary.reshape<Tensor2D>([-1, size]), pass);
  });
}

/** The rate of layer `layer` (from 0): 0 in the first, `rate` in the last of several. */
export const dropPathRate = (rate: number, layer: number, layers: number): number =>
  layers === 1 ? rate : (rate * layer) / (layers - 1);

function check({ height, width, patch }: VitOptions): void {
  if (height % patch !== 0 || width % patch !== 0) {
    throw new UserError(
      `model.patch: got ${patch} for images of ${height}x${width}, wanted a divisor of both sides`,
    );
  }
}

/** [N H W C] -> [N T D]: a linear map of every patch. */
function patchEmbedding(
  builder: NetworkBuilder,
  { height, width, channels, size, patch }: VitOptions,
): Layer<Tensor4D, Tensor3D> {
  const shape = [patch, patch, channels, size];
  const weight = builder.parameter('patch_embed.proj.weight', shape, kaimingUniform);
  const inputs = patch * patch * channels;
  const bias = builder.parameter('patch_embed.proj.bias', [size], biasUniform(inputs));
  const count = (height / patch) * (width / patch);
  return (images, pass) =>
    nameScope('patch_embed', () => {
      const filter = matching(images, pass.parameter(weight) as Tensor4D);
      const maps = conv2d(images, filter, patch, 'VALID');
      return tf.add(maps, matching(maps, pass.parameter(bias))).reshape([-1, count, size]);
    });
}

/** x + attention(norm(x)), and that plus perceptron(norm of it). */
function block(
  builder: NetworkBuilder,
  name: string,
  { size, heads, dropout: rate }: VitOptions,
  dropPathRate: number,
): TokenLayer {
  const hidden = EXPANSION * size;
  const norm1 = layerNorm(builder, `${name}.norm1`, size, EPSILON);
  const attend = attention(builder, `${name}.attn`, size, heads, initialiser);
  const norm2 = layerNorm(builder, `${name}.norm2`, size, EPSILON);
  const widen = tokenLinear(builder, `${name}.mlp.fc1`, size, hidden, initialiser);
  const narrow = tokenLinear(builder, `${name}.mlp.fc2`, hidden, size, initialiser);
  const drop = dropout<Tensor3D>(builder, rate);
  const path = dropPath<Tensor3D>(builder, dropPathRate);
  return (x, pass) => {
    const attended = drop(attend(norm1(x, pass), pass), pass);
    const y = tf.add<Tensor3D>(x, path(attended, pass));
    const inner = drop(gelu(widen(norm2(y, pass), pass)), pass);
    return tf.add<Tensor3D>(y, path(drop(narrow(inner, pass), pass), pass));
  };
}
