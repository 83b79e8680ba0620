// VGG networks for 32x32 images: vgg11, 13, 16 and 19, with and without batch normalisation.
//
// Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition"
// (arXiv 1409.1556), with the small classifier and the parameter names of the F-SAM authors' code:
// kernels normal with standard deviation sqrt(2 / (K K O)), their biases 0, the classifier
// PyTorch's default. Dropout is in the classifier only.
import type { VggDepth } from '../catalogue/networks.js';
import { widened } from '../native/bfloat16.js';
import type { Tensor2D } from '../native/tensorflow.js';
import { relu as reluKernel } from '../native/kernels.js';
import { dropout } from '../nn/dropout.js';
import { kaimingNormalFanOut as initialiser, zeros } from '../nn/initialisation.js';
import {
  batchNorm,
  classifier,
  convolution,
  linear,
  maxPool2,
  relu,
  sequence,
} from '../nn/layers.js';
import type { Layer, Network, NetworkBuilder } from '../nn/network.js';
import { UserError } from '../util/errors.js';

/** Convolutions of each of the five stages, a max-pooling after each stage. */
const STAGES: Record<VggDepth, readonly number[]> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};

/** Channels of each stage, in units of the first one's. */
const WIDTHS = [1, 2, 4, 8, 8] as const;

/** Five halvings leave one pixel. */
const [LEAST_SIDE, LARGEST_SIDE] = [32, 63];

export interface VggOptions {
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  /** Channels of the images. */
  readonly channels: number;
  /** Channels of the first stage; 64 in the paper. */
  readonly firstChannels: number;
  readonly dropout: number;
}

/** Logits [N K] of images [N H W C]; H and W from 32 to 63. */
export function vgg(
  builder: NetworkBuilder,
  { depth, batchNorm: normalised }: { readonly depth: VggDepth; readonly batchNorm: boolean },
  { height, width, classes, channels, firstChannels, dropout: rate }: VggOptions,
): Network {
  const name = `vgg${depth}${normalised ? '-bn' : ''}`;
  if (Math.min(height, width) < LEAST_SIDE || Math.max(height, width) > LARGEST_SIDE) {
    throw new UserError(
      `model.name: got ${name} for images of ${height}x${width}, wanted images of ${LEAST_SIDE} to ${LARGEST_SIDE} ` +
        'pixels a side for vgg; take another network or another data set',
    );
  }
  // Layers are numbered as in PyTorch's Sequential, where ReLU and pooling count, too.
  let inputs = channels;
  let index = 0;
  const features = STAGES[depth].flatMap((count, stage) => {
    const outputs = firstChannels * (WIDTHS[stage] ?? 1);
    const stageLayers = Array.from({ length: count }, (): Layer => {
      const options = { kernel: 3, initialiser, bias: zeros };
      const parts = [
        convolution(builder, `features.${index++}`, inputs, outputs, options),
        ...(normalised ? [batchNorm(builder, `features.${index++}`, outputs)] : []),
        relu,
      ];
      index++;
      inputs = outputs;
      return sequence(...parts);
    });
    index++;
    return [...stageLayers, maxPool2];
  });
  const hidden = inputs;
  const drop = dropout<Tensor2D>(builder, rate);
  const first = linear(builder, 'classifier.1', inputs, hidden);
  const second = linear(builder, 'classifier.4', hidden, hidden);
  const last = classifier(builder, 'classifier.6', hidden, classes);
  const body = sequence(...features);
  return builder.build(name, (images, pass) => {
    const x = widened(body(images, pass)).reshape<Tensor2D>([-1, hidden]);
    const y = reluKernel(first(drop(x, pass), pass));
    return last(reluKernel(second(drop(y, pass), pass)), pass);
  });
}
