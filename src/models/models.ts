// Networks by name. The door of this folder.
import { parseNetworkName, type Family } from '../config/networks.js';
import type { ModelConfig } from '../config/schema.js';
import { NetworkBuilder, type Network } from '../nn/network.js';
import { InternalError } from '../util/errors.js';
import { imagenetResnet } from './imagenet-resnet.js';
import { pyramidNet } from './pyramidnet.js';
import { resnet } from './resnet.js';
import { vgg } from './vgg.js';
import { vit } from './vit.js';
import { wideResNet } from './wide-resnet.js';

/** What a network must fit: the images it reads and the classes it tells apart. */
export interface ModelInput {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
}

/** Channels of the first stage in the published networks. */
const WIDTHS: Record<Family, number> = {
  resnet: 64,
  'imagenet-resnet': 64,
  wrn: 16,
  vgg: 64,
  pyramidnet: 16,
  vit: 192,
};

/**
 * The network that a configuration names, for such images.
 *
 * Errors: UserError where it cannot read images of that size, or its depth or width is not one
 * that the family has.
 */
export function buildModel(config: ModelConfig, input: ModelInput): Network {
  const { channels, classes } = input;
  const name = parseNetworkName(config.name);
  if (name === undefined) throw new InternalError(`the schema let the network ${config.name} pass`);
  const builder = new NetworkBuilder(config);
  const width = config.width ?? WIDTHS[name.family];
  switch (name.family) {
    case 'resnet':
      return resnet(builder, name.depth, { channels, classes, width });
    case 'imagenet-resnet':
      return imagenetResnet(builder, name.depth, { channels, classes, width });
    case 'wrn':
      return wideResNet(builder, name, { channels, classes, width, dropout: config.dropout ?? 0 });
    case 'vgg':
      return vgg(builder, name, {
        ...input,
        firstChannels: width,
        dropout: config.dropout ?? 0.5,
      });
    case 'pyramidnet':
      return pyramidNet(builder, name, {
        channels,
        classes,
        width,
        block: config.block ?? 'bottleneck',
      });
    case 'vit':
      return vit(builder, {
        ...input,
        size: width,
        patch: config.patch ?? 4,
        layers: config.layers ?? 6,
        heads: config.heads ?? 3,
        dropout: config.dropout ?? 0,
        dropPath: config.dropPath ?? 0,
      });
    default:
      return name satisfies never;
  }
}
