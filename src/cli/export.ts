// fsam export: the weights of a run for other programs.
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { ExportOptions } from './export-run.js';

/** Other names would promise what other programs write. */
function safetensorsName(path: string): string {
  if (!/\.(pt|pth|bin|ckpt|npz|h5)$/i.test(path)) return path;
  throw new InvalidArgumentError(
    'wanted a name that ends in .safetensors: what is written is such a file, which torch.load does not read',
  );
}

export function registerExport(program: Command): void {
  program
    .command('export')
    .description(
      "Writes the weights of a run's newest checkpoint, without the optimizer's vectors.",
    )
    .argument('<run-folder>', 'such as results/quickstart/VARIANT/seed-1')
    .requiredOption('--to <file>', 'the safetensors file to write', safetensorsName)
    .addOption(
      new Option(
        '--names <names>',
        'pytorch: axes of PyTorch, names of torchvision (imagenet-resnet), timm (those, deit, vit) or nanoGPT (gpt); fsam: our axes',
      )
        .choices(['pytorch', 'fsam'])
        .default('pytorch'),
    )
    .option('--checkpoint <file>', 'best (of checkpoint.keepBest), or another checkpoint')
    .action(async (folder: string, options: ExportOptions) => {
      const { exportRun } = await import('./export-run.js');
      await exportRun(folder, options);
    });
}
