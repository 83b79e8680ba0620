// What `fsam models` prints: the networks, their sizes and costs.
import { LISTED_NETWORKS, OPEN_NAMES } from '../catalogue/network.js';
import { modelSchema } from '../catalogue/schema.js';
import { openDevice } from '../native/device.js';
import { networkCost } from '../session/cost.js';
import { UserError } from '../util/errors.js';
import { print } from './output.js';

export interface ModelsOptions {
  readonly size?: number;
  readonly channels: number;
  readonly classes?: number;
}

export function listNetworks({ channels, ...options }: ModelsOptions): void {
  // Nothing is computed, but the trace is recorded by TensorFlow's own backend.
  openDevice('cpu');
  const line = (...cells: string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(15))).join('');
  print(line('network', 'reads', 'classes', 'parameters', 'multiply-adds'));
  for (const { name, madeFor, reads } of LISTED_NETWORKS) {
    const { size, classes } = { ...madeFor, ...options };
    const isOfTokens = reads === 'tokens';
    const image = isOfTokens ? `${size} tokens` : `${size}x${size}x${channels}`;
    try {
      const input = isOfTokens
        ? { context: size, classes }
        : { height: size, width: size, channels, classes };
      const cost = networkCost(modelSchema.parse({ name }), input);
      print(line(name, image, String(classes), grouped(cost.parameters), inMillions(cost)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      print(line(name, image, String(classes), '-', 'not this size'));
    }
  }
  print(`\nmodel.name takes any of them, and ${OPEN_NAMES.join(' and ')} besides.`);
}

const grouped = (number: number): string => number.toLocaleString('en');

const inMillions = ({ multiplyAdds }: { readonly multiplyAdds: number }): string =>
  `${(multiplyAdds / 1e6).toLocaleString('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 })} M`;
