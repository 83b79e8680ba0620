// What `fsam models` prints: the networks, their sizes and costs.
import { LISTED_NETWORKS } from '../config/networks.js';
import { modelSchema } from '../config/schema.js';
import { openDevice } from '../native/device.js';
import { networkCost } from '../train/cost.js';
import { UserError } from '../util/errors.js';
import { print } from './output.js';

export interface ModelsOptions {
  readonly size?: number;
  readonly channels: number;
  readonly classes?: number;
}

/** Images and classes that the two kinds of networks are made for. */
const [SMALL, LARGE] = [
  { size: 32, classes: 10 },
  { size: 224, classes: 1000 },
];

export function listNetworks({ channels, ...options }: ModelsOptions): void {
  // Nothing is computed, but the trace is recorded by TensorFlow's own backend.
  openDevice('cpu');
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
