// How large the convolutions of a network are, told without building it.
import { parseNetworkName, PUBLISHED, type NetworkName } from '../config/networks.js';
import type { ModelConfig } from '../config/schema.js';
import { InternalError } from '../util/errors.js';

interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * Multiply-adds of one image in an average convolution or matrix product, within a factor of two: to
 * tell small networks from large ones before TensorFlow, which a trace needs, is loaded.
 */
export function averageConvolution(config: ModelConfig, image: Size): number {
  const name = parseNetworkName(config.name);
  if (name === undefined) throw new InternalError(`the schema let the network ${config.name} pass`);
  const width = config.width ?? PUBLISHED[name.family].width;
  return image.height * image.width * perPixel(name, config, width);
}

/** Of a 3x3 convolution between as many channels; and the mean of a bottleneck's, which has four times as many outside. */
const [SQUARE, BOTTLENECK] = [3 * 3, (4 + 3 * 3 + 4) / 3];

/** Where channels double as pixels are quartered, all stages cost the same. */
function perPixel(name: NetworkName, config: ModelConfig, width: number): number {
  const block = (isBottleneck: boolean) => (isBottleneck ? BOTTLENECK : SQUARE);
  switch (name.family) {
    case 'resnet':
      return block(name.depth >= 50) * width ** 2;
    case 'imagenet-resnet':
      // The stem leaves a sixteenth of the pixels.
      return (block(name.depth >= 50) * width ** 2) / 16;
    case 'wrn':
      return SQUARE * (name.widening * width) ** 2;
    case 'vgg':
      // About half of them double the channels, or come where few pixels are left.
      return (SQUARE * width ** 2) / 2;
    case 'pyramidnet': {
      const isBottleneck = (config.block ?? PUBLISHED.pyramidnet.block) === 'bottleneck';
      const stages = [1, 3, 5].map(
        (sixths, i) => (width + (sixths / 6) * name.alpha) ** 2 / 4 ** i,
      );
      return (block(isBottleneck) * stages.reduce((sum, stage) => sum + stage, 0)) / stages.length;
    }
    case 'vit': {
      // Four products between as many features, and two with four times as many.
      const products = (4 + 2 * 4) / 6;
      return (products * width ** 2) / (config.patch ?? PUBLISHED.vit.patch) ** 2;
    }
    default:
      return name satisfies never;
  }
}
