// Residual networks for large images: imagenet-resnet18 and its deeper kin.
//
// He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), as torchvision has
// them, with its parameter names: a 7x7 stem with stride 2 and max-pooling, in bottlenecks the
// stride in the 3x3 convolution ("v1.5"), kernels Kaiming-normal by fan out.
import type { ResNetDepth } from '../catalogue/networks.js';
import { tf, type Tensor4D } from '../native/tensorflow.js';
import { kaimingNormalFanOut as initialiser } from '../nn/initialisation.js';
import {
  batchNorm,
  convolution,
  globalAveragePool,
  classifier,
  maxPoolOverlapping,
  relu,
  sequence,
} from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';
import type { ResNetOptions } from './resnet.js';

/** Blocks in each of the four stages; the convolutions of a block as [kernel, width factor]. */
const BASIC = [
  [3, 1],
  [3, 1],
] as const;
const BOTTLENECK = [
  [1, 1],
  [3, 1],
  [1, 4],
] as const;
const TABLE = {
  18: { stages: [2, 2, 2, 2], block: BASIC },
  34: { stages: [3, 4, 6, 3], block: BASIC },
  50: { stages: [3, 4, 6, 3], block: BOTTLENECK },
  101: { stages: [3, 4, 23, 3], block: BOTTLENECK },
  152: { stages: [3, 8, 36, 3], block: BOTTLENECK },
} as const;

/** Logits [N K] of images [N H W C]; any H and W of 32 or more, 224 in the paper. */
export function imagenetResnet(
  builder: NetworkBuilder,
  depth: ResNetDepth,
  { classes, channels, width }: ResNetOptions,
): Network {
  const stem = sequence(
    convolution(builder, 'conv1', channels, width, { kernel: 7, stride: 2, initialiser }),
    batchNorm(builder, 'bn1', width),
    relu,
    maxPoolOverlapping,
  );
  const { stages, block } = TABLE[depth];
  let inputs = width;
  const blocks = stages.flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const convolutions = block.map(([kernel, factor]) => ({
        kernel,
        outputs: width * 2 ** stage * factor,
      }));
      const made = residualBlock(builder, `layer${stage + 1}.${index}`, {
        inputs,
        convolutions,
        stride,
      });
      inputs = convolutions.at(-1)?.outputs ?? inputs;
      return made;
    }),
  );
  const features = sequence(stem, ...blocks);
  const head = classifier(builder, 'fc', inputs, classes);
  return builder.build(`imagenet-resnet${depth}`, (images, pass) =>
    head(globalAveragePool(features(images, pass), pass), pass),
  );
}

interface BlockOptions {
  readonly inputs: number;
  readonly convolutions: readonly { readonly kernel: number; readonly outputs: number }[];
  readonly stride: 1 | 2;
}

/** relu(F(x) + shortcut(x)), F = convolutions, each with its norm, and ReLUs between them. */
function residualBlock(
  builder: NetworkBuilder,
  name: string,
  { inputs, convolutions, stride }: BlockOptions,
): Layer {
  // The stride is in the first 3x3.
  const strided = convolutions.findIndex(({ kernel }) => kernel === 3);
  let width = inputs;
  const residual = convolutions.flatMap(({ kernel, outputs }, i) => {
    const options = { kernel, stride: i === strided ? stride : 1, initialiser };
    const layers = [
      ...(i === 0 ? [] : [relu]),
      convolution(builder, `${name}.conv${i + 1}`, width, outputs, options),
      batchNorm(builder, `${name}.bn${i + 1}`, outputs),
    ];
    width = outputs;
    return layers;
  });
  const changes = stride !== 1 || inputs !== width;
  const shortcut = changes
    ? [
        convolution(builder, `${name}.downsample.0`, inputs, width, {
          kernel: 1,
          stride,
          initialiser,
        }),
        batchNorm(builder, `${name}.downsample.1`, width),
      ]
    : [];
  const [f, s] = [sequence(...residual), sequence(...shortcut)];
  return (x, pass) => relu(tf.add<Tensor4D>(f(x, pass), s(x, pass)), pass);
}
