// Networks by name. The door of this folder.
import { networkOf, type Family, type NetworkChoice } from '../catalogue/network.js';
import { NETWORKS } from '../catalogue/networks.js';
import type { ModelConfig } from '../catalogue/schema.js';
import { NetworkBuilder, type Network } from '../nn/network.js';
import { InternalError, UserError } from '../util/errors.js';
import { gpt } from './gpt.js';
import { imagenetResnet } from './imagenet-resnet.js';
import { pyramidNet } from './pyramidnet.js';
import { resnet } from './resnet.js';
import { vgg } from './vgg.js';
import { vit } from './vit.js';
import { wideResNet } from './wide-resnet.js';

/** The images that a network reads, and the classes that it tells apart. */
interface ImageInput {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
  /** Whether `data.resize` made them so large; left out: the data has them so. */
  readonly isEnlarged?: true;
}

/** The windows that it reads, and the tokens that there are. */
interface TokenInput {
  readonly context: number;
  readonly classes: number;
}

/** What a network must fit. */
export type ModelInput = ImageInput | TokenInput;

interface Inputs {
  readonly images: ImageInput;
  readonly tokens: TokenInput;
}

/** How a network of the family F is built. */
type Build<F extends Family> = (
  builder: NetworkBuilder,
  name: NetworkChoice<F>['name'],
  options: NetworkChoice<F>['options'],
  input: Inputs[(typeof NETWORKS)[F]['reads']],
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
  gpt: (builder, _, { width, ...options }, { context, classes }) =>
    gpt(builder, { context, vocabulary: classes, size: width, ...options }),
};

/** In DeiT's paper, too, the networks are those of the vision transformer, in other sizes. */
function transformer(
  builder: NetworkBuilder,
  _: object,
  { width, ...options }: NetworkChoice<'vit'>['options'],
  input: ImageInput,
): Network {
  return vit(builder, { ...input, size: width, ...options });
}

/**
 * The network that a configuration names, for such images or windows.
 *
 * Errors: UserError where it cannot read images of that size, or its depth or width is not one
 * that the family has.
 */
export function buildModel(config: ModelConfig, input: ModelInput): Network {
  try {
    return built(networkOf(config), new NetworkBuilder(config), input);
  } catch (error) {
    if (!(error instanceof UserError) || !('height' in input) || !input.isEnlarged) throw error;
    const isOfSize = error.message.includes(`${input.height}x${input.width}`);
    throw isOfSize
      ? new UserError(
          `${error.message}; it is data.resize that makes them ${input.height}x${input.width}`,
        )
      : error;
  }
}

function built<F extends Family>(
  { family, name, options }: NetworkChoice<F>,
  builder: NetworkBuilder,
  input: ModelInput,
): Network {
  const given = 'context' in input ? 'tokens' : 'images';
  const { reads } = NETWORKS[family];
  if (given !== reads) throw new InternalError(`${family} reads ${reads}, got ${given}`);
  return BUILDS[family](builder, name, options, input as Parameters<Build<F>>[3]);
}
