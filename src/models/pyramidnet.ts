// PyramidNets: pyramidnet-DEPTH-ALPHA.
//
// Han, Kim and Kim, "Deep Pyramidal Residual Networks" (arXiv 1610.02915), with the parameter names
// of the F-SAM authors' code: channels grow by alpha over all blocks, a little in each; a shortcut
// has no parameters, it is average-pooled where the stride is 2 and padded with zero channels; no
// ReLU after the first norm of a block or after the sum. Kernels normal with standard deviation
// sqrt(2 / (K K O)). No ShakeDrop.
import { tf, type Tensor4D } from '../native/tensorflow.js';
import { kaimingNormalFanOut as initialiser } from '../nn/initialisation.js';
import {
  averagePool2,
  batchNorm,
  convolution,
  globalAveragePool,
  classifier,
  relu,
  sequence,
} from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';
import { UserError } from '../util/errors.js';

/** The convolutions of each kind of block, as [kernel, outputs per channel of the pyramid]. */
const BLOCKS = {
  basic: [
    [3, 1],
    [3, 1],
  ],
  bottleneck: [
    [1, 1],
    [3, 1],
    [1, 4],
  ],
} as const;

const STAGES = 3;

export interface PyramidNetOptions {
  readonly classes: number;
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the stem; 16 in the paper. */
  readonly width: number;
  readonly block: keyof typeof BLOCKS;
}

/** Logits [N K] of images [N H W C]; depth is 9n + 2 with bottlenecks, 6n + 2 with basic blocks. */
export function pyramidNet(
  builder: NetworkBuilder,
  { depth, alpha }: { readonly depth: number; readonly alpha: number },
  { classes, channels, width, block }: PyramidNetOptions,
): Network {
  const blocks = blocksAStage(depth, alpha, block);
  const stem = sequence(
    convolution(builder, 'conv1', channels, width, { kernel: 3, initialiser }),
    batchNorm(builder, 'bn1', width),
  );
  let inputs = width;
  const layers = Array.from({ length: STAGES * blocks }, (_, i) => {
    const [stage, index] = [Math.floor(i / blocks), i % blocks];
    const base = roundHalfToEven(width + ((i + 1) * alpha) / (STAGES * blocks));
    const stride = stage > 0 && index === 0 ? 2 : 1;
    const convolutions = BLOCKS[block].map(([kernel, factor]) => ({
      kernel,
      outputs: base * factor,
    }));
    const made = pyramidalBlock(builder, `layer${stage + 1}.${index}`, {
      inputs,
      convolutions,
      stride,
    });
    inputs = convolutions.at(-1)?.outputs ?? inputs;
    return made;
  });
  const last = sequence(batchNorm(builder, 'bn_final', inputs), relu);
  const features = sequence(stem, ...layers, last);
  const head = classifier(builder, 'fc', inputs, classes);
  return builder.build(`pyramidnet-${depth}-${alpha}`, (images, pass) =>
    head(globalAveragePool(features(images, pass), pass), pass),
  );
}

function blocksAStage(depth: number, alpha: number, block: keyof typeof BLOCKS): number {
  const layers = STAGES * BLOCKS[block].length;
  const blocks = (depth - 2) / layers;
  if (Number.isInteger(blocks) && blocks >= 1) return blocks;
  const nearest = layers * Math.max(1, Math.round(blocks)) + 2;
  throw new UserError(
    `model.name: got pyramidnet-${depth}-${alpha}, wanted a depth of ${layers}n + 2 with ${block} blocks, ` +
      `such as pyramidnet-${nearest}-${alpha}; model.block chooses basic or bottleneck`,
  );
}

/** Python's round, which the authors' channel counts come from. */
function roundHalfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

interface BlockOptions {
  readonly inputs: number;
  readonly convolutions: readonly { readonly kernel: number; readonly outputs: number }[];
  readonly stride: 1 | 2;
}

/** F(x) + shortcut(x), F = bn, conv, bn, relu, conv, bn and so on: ReLU after inner norms only. */
function pyramidalBlock(
  builder: NetworkBuilder,
  name: string,
  { inputs, convolutions, stride }: BlockOptions,
): Layer {
  const strided = convolutions.findIndex(({ kernel }) => kernel === 3);
  const layers = [batchNorm(builder, `${name}.bn1`, inputs)];
  let width = inputs;
  convolutions.forEach(({ kernel, outputs }, i) => {
    const options = { kernel, stride: i === strided ? stride : 1, initialiser };
    if (i > 0) layers.push(relu);
    layers.push(convolution(builder, `${name}.conv${i + 1}`, width, outputs, options));
    layers.push(batchNorm(builder, `${name}.bn${i + 2}`, outputs));
    width = outputs;
  });
  const residual = sequence(...layers);
  return (x, pass) => {
    const near = stride === 2 ? averagePool2(x, pass) : x;
    const added = width - inputs;
    const shortcut =
      added === 0 ? near : tf.pad(near, [[0, 0], [0, 0], [0, 0], [0, added]]); // prettier-ignore
    return tf.add<Tensor4D>(residual(x, pass), shortcut);
  };
}
