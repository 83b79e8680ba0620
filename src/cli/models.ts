// fsam models: the networks, their sizes and costs.
import type { Command } from 'commander';
import { UserError } from '../util/errors.js';
import { print } from './output.js';
import { wholeNumber } from './whole-number.js';

interface ModelsOptions {
  readonly size?: number;
  readonly channels: number;
  readonly classes?: number;
}

const DESCRIPTION = 'Lists the networks with their parameters and multiply-adds of one image.';
/** Images and classes that the two kinds of networks are made for. */
const [SMALL, LARGE] = [
  { size: 32, classes: 10 },
  { size: 224, classes: 1000 },
];

export function registerModels(program: Command): void {
  const count = wholeNumber(5);
  program
    .command('models')
    .description(DESCRIPTION)
    .option('--size <pixels>', 'side of an image (default: 32; 224 for imagenet-*)', count)
    .option('--channels <number>', 'channels of an image', count, 3)
    .option('--classes <number>', 'classes (default: 10; 1000 for imagenet-*)', count)
    .action(models);
}

async function models({ channels, ...options }: ModelsOptions): Promise<void> {
  const { LISTED_NETWORKS } = await import('../config/networks.js');
  const { modelSchema } = await import('../config/schema.js');
  const { openDevice } = await import('../native/device.js');
  // Nothing is computed, but the trace is recorded by TensorFlow's own backend.
  await openDevice('cpu');
  const { networkCost } = await import('../train/cost.js');
  const line = (...cells: string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(15))).join('');
  print(line('network', 'image', 'classes', 'parameters', 'multiply-adds'));
  for (const name of LISTED_NETWORKS) {
    const usual = name.startsWith('imagenet-') ? LARGE : SMALL;
    const { size, classes } = { ...usual, ...options };
    const image = `${size}x${size}x${channels}`;
    try {
      const input = { height: size, width: size, channels, classes };
      const cost = networkCost(modelSchema.parse({ name }), input);
      print(line(name, image, String(classes), grouped(cost.parameters), inMillions(cost)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      print(line(name, image, String(classes), '-', 'not this size'));
    }
  }
  print(
    '\nmodel.name takes any of them, and wrn-DEPTH-WIDENING and pyramidnet-DEPTH-ALPHA besides.',
  );
}

const grouped = (number: number): string => number.toLocaleString('en');

const inMillions = ({ multiplyAdds }: { readonly multiplyAdds: number }): string =>
  `${(multiplyAdds / 1e6).toLocaleString('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 })} M`;
