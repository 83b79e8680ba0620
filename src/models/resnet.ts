// Residual networks for 32x32 images, as the authors train them.
//
// He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), in the form usual
// for CIFAR: a 3x3 stem without max-pooling, four stages with strides 1 2 2 2, a 1x1 convolution on
// the shortcut where the shape changes. Parameter names, their order and the initialisation
// (PyTorch's default) are the authors' code's, which calls the network of 34 layers resnet50; the
// bottleneck networks (50 layers and more) have no counterpart there.
import type { ResNetDepth } from '../catalogue/networks.js';
import { tf, type Tensor4D } from '../native/tensorflow.js';
import {
  batchNorm,
  classifier,
  convolution,
  globalAveragePool,
  relu,
  sequence,
} from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';

/** Blocks in each of the four stages, and their kind, by depth. */
const TABLE = {
  18: { stages: [2, 2, 2, 2], block: basicBlock },
  34: { stages: [3, 4, 6, 3], block: basicBlock },
  50: { stages: [3, 4, 6, 3], block: bottleneck },
  101: { stages: [3, 4, 23, 3], block: bottleneck },
  152: { stages: [3, 8, 36, 3], block: bottleneck },
} as const;

/** Outputs of a bottleneck per channel inside it. */
const EXPANSION = 4;

export interface ResNetOptions {
  readonly classes: number;
  /** Channels of the images: 1 or 3. */
  readonly channels: number;
  /** Channels of the first stage, doubled at each later one; 64 in the paper. */
  readonly width: number;
}

/** Logits [N K] of images [N H W C]; any H and W of 8 or more. */
export function resnet(
  builder: NetworkBuilder,
  depth: ResNetDepth,
  { classes, channels, width }: ResNetOptions,
): Network {
  const stem = sequence(
    convolution(builder, 'conv1.0', channels, width, { kernel: 3 }),
    batchNorm(builder, 'conv1.1', width),
    relu,
  );
  const { stages, block } = TABLE[depth];
  let inputs = width;
  const blocks = stages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const { layer, outputs } = block(builder, `conv${stage + 2}_x.${index}`, {
        inputs,
        channels: width * 2 ** stage,
        stride,
      });
      inputs = outputs;
      return layer;
    }),
  );
  const features = sequence(stem, ...blocks);
  const head = classifier(builder, 'fc', inputs, classes);
  return builder.build(`resnet${depth}`, (images, pass) =>
    head(globalAveragePool(features(images, pass), pass), pass),
  );
}

interface BlockOptions {
  readonly inputs: number;
  /** Inside the block. */
  readonly channels: number;
  readonly stride: 1 | 2;
}

interface Block {
  readonly layer: Layer;
  readonly outputs: number;
}

/** relu(F(x) + shortcut(x)), F = conv, bn, relu, conv, bn. */
function basicBlock(
  builder: NetworkBuilder,
  name: string,
  { inputs, channels, stride }: BlockOptions,
): Block {
  const path = `${name}.residual_function`;
  const residual = sequence(
    convolution(builder, `${path}.0`, inputs, channels, { kernel: 3, stride }),
    batchNorm(builder, `${path}.1`, channels),
    relu,
    convolution(builder, `${path}.3`, channels, channels, { kernel: 3 }),
    batchNorm(builder, `${path}.4`, channels),
  );
  return { layer: joined(builder, name, residual, inputs, channels, stride), outputs: channels };
}

/** relu(F(x) + shortcut(x)), F = 1x1 conv, bn, relu, 3x3 conv, bn, relu, 1x1 conv, bn. */
function bottleneck(
  builder: NetworkBuilder,
  name: string,
  { inputs, channels, stride }: BlockOptions,
): Block {
  const path = `${name}.residual_function`;
  const outputs = EXPANSION * channels;
  const residual = sequence(
    convolution(builder, `${path}.0`, inputs, channels, { kernel: 1 }),
    batchNorm(builder, `${path}.1`, channels),
    relu,
    convolution(builder, `${path}.3`, channels, channels, { kernel: 3, stride }),
    batchNorm(builder, `${path}.4`, channels),
    relu,
    convolution(builder, `${path}.6`, channels, outputs, { kernel: 1 }),
    batchNorm(builder, `${path}.7`, outputs),
  );
  return { layer: joined(builder, name, residual, inputs, outputs, stride), outputs };
}

function joined(
  builder: NetworkBuilder,
  name: string,
  residual: Layer,
  inputs: number,
  outputs: number,
  stride: number,
): Layer {
  const changes = stride !== 1 || inputs !== outputs;
  const shortcut = changes
    ? sequence(
        convolution(builder, `${name}.shortcut.0`, inputs, outputs, { kernel: 1, stride }),
        batchNorm(builder, `${name}.shortcut.1`, outputs),
      )
    : sequence();
  return (x, pass) => relu(tf.add<Tensor4D>(residual(x, pass), shortcut(x, pass)), pass);
}
