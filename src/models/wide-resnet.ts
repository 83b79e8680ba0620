// Wide residual networks: wrn-DEPTH-WIDENING.
//
// Zagoruyko and Komodakis, "Wide Residual Networks" (arXiv 1605.07146), with the parameter names of
// the F-SAM authors' code: pre-activation; in every stage's first block the first norm and ReLU
// also feed the 1x1 convolution of the shortcut. Kernels are Kaiming-normal by fan in, the
// classifier starts at zero. Dropout, between the two convolutions of a block, is 0 in their runs.
//
// Their code departs from the paper: a stage has (DEPTH - 4) / 6 blocks after its first one, where
// the paper has as many in all. Their wrn-28-10 has 46.2 million parameters with 100 classes, the
// paper's 36.5. `stageBlocks` says which of the two is built.
import { tf, type Tensor4D } from '../native/tensorflow.js';
import { dropout } from '../nn/dropout.js';
import { kaimingNormalFanIn as initialiser, zeros } from '../nn/initialisation.js';
import {
  batchNorm,
  classifier,
  convolution,
  globalAveragePool,
  relu,
  sequence,
} from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';
import { UserError } from '../util/errors.js';

export interface WideResNetOptions {
  readonly classes: number;
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the stem; a stage has widening times 1, 2 and 4 of them. 16 in the paper. */
  readonly width: number;
  readonly dropout: number;
  /** Blocks a stage: `paper` has (depth - 4) / 6 of them, `code` one more. */
  readonly stageBlocks: 'code' | 'paper';
}

/** Logits [N K] of images [N H W C]; depth is 6n + 4. */
export function wideResNet(
  builder: NetworkBuilder,
  { depth, widening }: { readonly depth: number; readonly widening: number },
  { classes, channels, width, dropout: rate, stageBlocks }: WideResNetOptions,
): Network {
  /** Of a stage, as the paper has it. */
  const blocks = (depth - 4) / 6;
  if (!Number.isInteger(blocks) || blocks < 1) {
    const nearest = 6 * Math.max(1, Math.round(blocks)) + 4;
    throw new UserError(
      `model.name: got wrn-${depth}-${widening}, wanted a depth of 6n + 4 such as wrn-${nearest}-${widening}`,
    );
  }
  const stem = convolution(builder, 'f.0_convolution', channels, width, { kernel: 3, initialiser });
  let inputs = width;
  const stages = [1, 2, 4].map((factor, stage) => {
    const path = `f.${stage + 1}_block.block`;
    const outputs = factor * widening * width;
    const stride = stage === 0 ? 1 : 2;
    const first = firstBlock(builder, `${path}.0`, { inputs, outputs, stride, rate });
    inputs = outputs;
    const others = Array.from({ length: stageBlocks === 'paper' ? blocks - 1 : blocks }, (_, i) =>
      block(builder, `${path}.${i + 1}`, outputs, rate),
    );
    return sequence(first, ...others);
  });
  const last = sequence(batchNorm(builder, 'f.4_normalization', inputs), relu);
  const head = classifier(builder, 'f.8_classification', inputs, classes, zeros, zeros);
  const features = sequence(stem, ...stages, last);
  return builder.build(`wrn-${depth}-${widening}`, (images, pass) =>
    head(globalAveragePool(features(images, pass), pass), pass),
  );
}

interface FirstBlock {
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
  readonly rate: number;
}

function firstBlock(
  builder: NetworkBuilder,
  name: string,
  { inputs, outputs, stride, rate }: FirstBlock,
): Layer {
  const kernel3 = { kernel: 3, initialiser };
  const activate = sequence(batchNorm(builder, `${name}.norm_act.0_normalization`, inputs), relu);
  const residual = sequence(
    convolution(builder, `${name}.block.0_convolution`, inputs, outputs, { ...kernel3, stride }),
    batchNorm(builder, `${name}.block.1_normalization`, outputs),
    relu,
    dropout(builder, rate),
    convolution(builder, `${name}.block.4_convolution`, outputs, outputs, kernel3),
  );
  const shortcut = convolution(builder, `${name}.downsample`, inputs, outputs, {
    kernel: 1,
    stride,
    initialiser,
  });
  return (x, pass) => {
    const active = activate(x, pass);
    return tf.add<Tensor4D>(residual(active, pass), shortcut(active, pass));
  };
}

function block(builder: NetworkBuilder, name: string, channels: number, rate: number): Layer {
  const kernel3 = { kernel: 3, initialiser };
  const residual = sequence(
    batchNorm(builder, `${name}.block.0_normalization`, channels),
    relu,
    convolution(builder, `${name}.block.2_convolution`, channels, channels, kernel3),
    batchNorm(builder, `${name}.block.3_normalization`, channels),
    relu,
    dropout(builder, rate),
    convolution(builder, `${name}.block.6_convolution`, channels, channels, kernel3),
  );
  return (x, pass) => tf.add<Tensor4D>(x, residual(x, pass));
}
