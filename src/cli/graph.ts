// fsam graph: the training step as it is handed to TensorFlow.
import type { Command } from 'commander';
import { addConfigOptions, configRequest, type ConfigOptions } from './config-options.js';

const DESCRIPTION = 'Prints the traced training step: every op with its shapes, and their counts.';

export function registerGraph(program: Command): void {
  const command = program.command('graph').description(DESCRIPTION);
  addConfigOptions(command, 'experiment', ['--epochs', '--max-steps']).action(
    async (options: ConfigOptions) => {
      const { printStep } = await import('./print-step.js');
      await printStep(configRequest(options));
    },
  );
}
