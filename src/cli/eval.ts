// fsam eval: loss and accuracy of a run's checkpoint.
import { Option, type Command } from 'commander';
import type { EvalOptions } from './evaluate.js';
import { threadNumber } from './whole-number.js';

export function registerEval(program: Command): void {
  program
    .command('eval')
    .description("Prints loss, accuracy and the like of a run's newest checkpoint.")
    .argument('<run-folder>', 'such as results/quickstart/VARIANT/seed-1')
    .option(
      '--data-dir <path>',
      "where the data set is now (default: as the run's config.yaml says)",
    )
    .option('--device <device>', 'auto, cpu or gpu')
    .option(
      '--checkpoint <file>',
      'best (of checkpoint.keepBest), or another checkpoint of the same network and optimizer',
    )
    .addOption(
      new Option('--split <split>', 'examples to evaluate on, without augmentation')
        .choices(['train', 'validation', 'test'])
        .default('test'),
    )
    .option('--threads <n>', 'threads that compute (default: as the run)', threadNumber)
    .option('--logits <file>', 'also write logits for scripts/check_pytorch_weights.py there')
    .action(async (folder: string, options: EvalOptions) => {
      const { evaluate } = await import('./evaluate.js');
      await evaluate(folder, options);
    });
}
