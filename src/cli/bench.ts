// fsam bench: how long a training step takes, compiled and not, and beside PyTorch on the same
// machine.
import type { Command } from 'commander';
import { addBenchOptions, type BenchOptions } from './bench-options.js';

export function registerBench(program: Command): void {
  const command = program
    .command('bench')
    .description('Times training steps: stock tfjs, eager, compiled, and PyTorch beside them.');
  addBenchOptions(command);
  command.action(async (options: BenchOptions) => {
    const { runBench } = await import('./run-bench.js');
    await runBench(options, command);
  });
}
