// Networks by name. The door of this folder.
import type { ModelConfig } from '../config/schema.js';
import type { Network } from '../nn/network.js';
import { resnet } from './resnet.js';

/** What a network must fit: the images it reads and the classes it tells apart. */
export interface ModelInput {
  readonly channels: number;
  readonly classes: number;
}

type Build = (config: ModelConfig, input: ModelInput) => Network;

const MODELS: Record<ModelConfig['name'], Build> = {
  resnet18: ({ width, convolution }, input) =>
    resnet('resnet18', { ...input, width, convolutionMethod: convolution }),
};

export function buildModel(config: ModelConfig, input: ModelInput): Network {
  return MODELS[config.name](config, input);
}
