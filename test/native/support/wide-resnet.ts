// A wide residual network on the project's layers, for the golden optimizer runs.
//
// Zagoruyko and Komodakis, "Wide Residual Networks" (arXiv 1605.07146), with the authors' parameter names: pre-activation; where
// the shape changes, and in every stage's first block, the first norm and ReLU also feed the 1x1 convolution of the shortcut.
import { tf, type Tensor4D } from '../../../src/native/tensorflow.js';
import {
  batchNorm,
  convolution,
  globalAveragePool,
  linear,
  relu,
  sequence,
} from '../../../src/nn/layers.js';
import { NetworkBuilder, type Layer, type Network } from '../../../src/nn/network.js';

/** Depth 6 blocks + 4; two blocks a stage make the "10" of the golden runs' wrn-10-1. */
const BLOCKS = 2;

export function wideResnet(name: string, width: number, classes: number): Network {
  const builder = new NetworkBuilder();
  const stem = convolution(builder, 'f.0_convolution', 3, 16, { kernel: 3 });
  let inputs = 16;
  const stages = [16 * width, 32 * width, 64 * width].map((outputs, stage) => {
    const path = `f.${stage + 1}_block.block`;
    const first = firstBlock(builder, `${path}.0`, inputs, outputs, stage === 0 ? 1 : 2);
    inputs = outputs;
    const others = Array.from({ length: BLOCKS - 1 }, (_, i) =>
      block(builder, `${path}.${i + 1}`, outputs),
    );
    return sequence(first, ...others);
  });
  const last = sequence(batchNorm(builder, 'f.4_normalization', inputs), relu);
  const classifier = linear(builder, 'f.8_classification', inputs, classes);
  const features = sequence(stem, ...stages, last);
  return builder.build(name, (images, pass) =>
    classifier(globalAveragePool(features(images, pass), pass), pass),
  );
}

function firstBlock(
  builder: NetworkBuilder,
  name: string,
  inputs: number,
  outputs: number,
  stride: 1 | 2,
): Layer {
  const activate = sequence(batchNorm(builder, `${name}.norm_act.0_normalization`, inputs), relu);
  const residual = sequence(
    convolution(builder, `${name}.block.0_convolution`, inputs, outputs, { kernel: 3, stride }),
    batchNorm(builder, `${name}.block.1_normalization`, outputs),
    relu,
    convolution(builder, `${name}.block.4_convolution`, outputs, outputs, { kernel: 3 }),
  );
  const shortcut = convolution(builder, `${name}.downsample`, inputs, outputs, {
    kernel: 1,
    stride,
  });
  return (x, pass) => {
    const active = activate(x, pass);
    return tf.add<Tensor4D>(residual(active, pass), shortcut(active, pass));
  };
}

function block(builder: NetworkBuilder, name: string, channels: number): Layer {
  const residual = sequence(
    batchNorm(builder, `${name}.block.0_normalization`, channels),
    relu,
    convolution(builder, `${name}.block.2_convolution`, channels, channels, { kernel: 3 }),
    batchNorm(builder, `${name}.block.3_normalization`, channels),
    relu,
    convolution(builder, `${name}.block.6_convolution`, channels, channels, { kernel: 3 }),
  );
  return (x, pass) => tf.add<Tensor4D>(x, residual(x, pass));
}
