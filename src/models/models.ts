// Networks by name. The door of this folder.
import { parseNetworkName, PUBLISHED } from '../config/networks.js';
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
  const width = config.width ?? PUBLISHED[name.family].width;
  switch (name.family) {
    case 'resnet':
      return resnet(builder, name.depth, { channels, classes, width });
    case 'imagenet-resnet':
      return imagenetResnet(builder, name.depth, { channels, classes, width });
    case 'wrn':
      return wideResNet(builder, name, {
        channels,
        classes,
        width,
        dropout: config.dropout ?? PUBLISHED.wrn.dropout,
        stageBlocks: config.stageBlocks ?? PUBLISHED.wrn.stageBlocks,
      });
    case 'vgg':
      return vgg(builder, name, {
        ...input,
        firstChannels: width,
        dropout: config.dropout ?? PUBLISHED.vgg.dropout,
      });
    case 'pyramidnet':
      return pyramidNet(builder, name, {
        channels,
        classes,
        width,
        block: config.block ?? PUBLISHED.pyramidnet.block,
      });
    case 'vit':
      return vit(builder, {
        ...input,
        size: width,
        patch: config.patch ?? PUBLISHED.vit.patch,
        layers: config.layers ?? PUBLISHED.vit.layers,
        heads: config.heads ?? PUBLISHED.vit.heads,
        dropout: config.dropout ?? PUBLISHED.vit.dropout,
        dropPath: config.dropPath ?? PUBLISHED.vit.dropPath,
      });
    default:
      return name satisfies never;
  }
}
