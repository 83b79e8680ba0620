// Networks by name. The door of this folder.
import { networkOf, type Family, type NetworkChoice } from '../catalogue/network.js';
import type { ModelConfig } from '../catalogue/schema.js';
import { NetworkBuilder, type Network } from '../nn/network.js';
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

/** How a network of the family F is built. */
type Build<F extends Family> = (
  builder: NetworkBuilder,
  name: NetworkChoice<F>['name'],
  options: NetworkChoice<F>['options'],
  input: ModelInput,
) => Network;

const BUILDS: { readonly [F in Family]: Build<F> } = {
  resnet: (builder, { depth }, options, { channels, classes }) =>
    resnet(builder, depth, { channels, classes, ...options }),
  'imagenet-resnet': (builder, { depth }, options, { channels, classes }) =>
    imagenetResnet(builder, depth, { channels, classes, ...options }),
  wrn: (builder, name, options, { channels, classes }) =>
    wideResNet(builder, name, { channels, classes, ...options }),
  vgg: (builder, name, { width, dropout }, input) =>
    vgg(builder, name, { ...input, firstChannels: width, dropout }),
  pyramidnet: (builder, name, options, { channels, classes }) =>
    pyramidNet(builder, name, { channels, classes, ...options }),
  vit: transformer,
  'deit-ti': transformer,
  'deit-s': transformer,
  'vit-s': (builder, { patch }, options, input) =>
    transformer(builder, {}, { ...options, patch }, input),
};

/** In DeiT's paper, too, the networks are those of the vision transformer, in other sizes. */
function transformer(
  builder: NetworkBuilder,
  _: object,
  { width, ...options }: NetworkChoice<'vit'>['options'],
  input: ModelInput,
): Network {
  return vit(builder, { ...input, size: width, ...options });
}

/**
 * The network that a configuration names, for such images.
 *
 * Errors: UserError where it cannot read images of that size, or its depth or width is not one
 * that the family has.
 */
export function buildModel(config: ModelConfig, input: ModelInput): Network {
  return built(networkOf(config), new NetworkBuilder(config), input);
}

function built<F extends Family>(
  { family, name, options }: NetworkChoice<F>,
  builder: NetworkBuilder,
  input: ModelInput,
): Network {
  return BUILDS[family](builder, name, options, input);
}
