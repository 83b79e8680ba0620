// fsam graph: the training step as it is handed to TensorFlow.
import type { Command } from 'commander';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';
import { print } from './output.js';

const DESCRIPTION = 'Prints the traced training step: every op with its shapes, and their counts.';

export function registerGraph(program: Command): void {
  addConfigOptions(program.command('graph').description(DESCRIPTION)).action(graph);
}

async function graph(options: ConfigOptions): Promise<void> {
  const { loadConfig } = await import('../config/load.js');
  const config = loadConfig(configRequest(options));
  const { datasetShape } = await import('../data/load.js');
  const { hasLabelNoise } = await import('../data/label-noise.js');
  const images = await datasetShape(config.data, config.seed);
  const shape = { ...images, labelNoise: hasLabelNoise(config.labelNoise) };
  const { openDevice } = await import('../native/device.js');
  await openDevice(config.device);
  // Only now: this loads TensorFlow, which openDevice has made ready for the device.
  const { describeStep } = await import('../train/engine.js');
  print(describeStep(config, shape));
}
