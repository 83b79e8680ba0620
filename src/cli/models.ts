// fsam models: the networks, their sizes and costs.
import type { Command } from 'commander';
import type { ModelsOptions } from './list-networks.js';
import { wholeNumber } from './whole-number.js';

const DESCRIPTION = 'Lists the networks with their parameters and multiply-adds of one image.';
export function registerModels(program: Command): void {
  const count = wholeNumber(5);
  program
    .command('models')
    .description(DESCRIPTION)
    .option(
      '--size <pixels>',
      'side of an image (default: 32; 224 for imagenet-*); of gpt, tokens',
      count,
    )
    .option('--channels <number>', 'channels of an image', count, 3)
    .option('--classes <number>', 'classes (default: 10; 1000 for imagenet-*)', count)
    .action(async (options: ModelsOptions) => {
      const { listNetworks } = await import('./list-networks.js');
      listNetworks(options);
    });
}
