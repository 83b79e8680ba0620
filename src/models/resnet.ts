// Residual networks for 32x32 images, as the authors train them.
//
// He et al., "Deep Residual Learning for Image Recognition" (arXiv 1512.03385), in the form usual
// for CIFAR: a 3x3 stem without max-pooling, four stages with strides 1 2 2 2, a 1x1 convolution on
// the shortcut where the shape changes. Parameter names, their order and the initialisation
// (PyTorch's default) are the authors' code's.
import { tf, type Tensor4D } from '../native/tensorflow.js';
import { batchNorm, convolution, globalAveragePool, linear, relu, sequence } from '../nn/layers.js';
import { NetworkBuilder, type ConvolutionMethod, type Layer, type Network } from '../nn/network.js';

/** Blocks in each of the four stages. */
const STAGES = { resnet18: [2, 2, 2, 2] } as const;

export type ResNetName = keyof typeof STAGES;

export interface ResNetOptions {
  readonly classes: number;
  /** Channels of the images: 1 or 3. */
  readonly channels: number;
  /** Channels of the first stage, doubled at each later one; 64 in the paper. */
  readonly width: number;
  /** Default: auto. */
  readonly convolutionMethod?: ConvolutionMethod;
}

/** Logits [N K] of images [N H W C]; any H and W of 8 or more. */
export function resnet(
  name: ResNetName,
  { classes, channels, width, convolutionMethod }: ResNetOptions,
): Network {
  const builder = new NetworkBuilder(convolutionMethod);
  const stem = sequence(
    convolution(builder, 'conv1.0', channels, width, { kernel: 3 }),
    batchNorm(builder, 'conv1.1', width),
    relu,
  );
  let inputs = width;
  const blocks = STAGES[name].flatMap((count, stage) =>
    Array.from({ length: count }, (_, index) => {
      const outputs = width * 2 ** stage;
      const stride = stage > 0 && index === 0 ? 2 : 1;
      const block = basicBlock(builder, `conv${stage + 2}_x.${index}`, inputs, outputs, stride);
      inputs = outputs;
      return block;
    }),
  );
  const features = sequence(stem, ...blocks);
  const classifier = linear(builder, 'fc', inputs, classes);
  return builder.build(name, (images, pass) =>
    classifier(globalAveragePool(features(images, pass), pass), pass),
  );
}

/** relu(F(x) + shortcut(x)), F = conv, bn, relu, conv, bn. */
function basicBlock(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  stride: number,
): Layer {
  const residual = sequence(
    convolution(builder, `${name}.residual_function.0`, inputs, outputs, { kernel: 3, stride }),
    batchNorm(builder, `${name}.residual_function.1`, outputs),
    relu,
    convolution(builder, `${name}.residual_function.3`, outputs, outputs, { kernel: 3 }),
    batchNorm(builder, `${name}.residual_function.4`, outputs),
  );
  const changes = stride !== 1 || inputs !== outputs;
  const shortcut = changes
    ? sequence(
        convolution(builder, `${name}.shortcut.0`, inputs, outputs, { kernel: 1, stride }),
        batchNorm(builder, `${name}.shortcut.1`, outputs),
      )
    : sequence();
  return (x, pass) => relu(tf.add<Tensor4D>(residual(x, pass), shortcut(x, pass)), pass);
}
