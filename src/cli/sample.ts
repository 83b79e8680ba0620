// fsam sample: a trained language model continues a text.
import { InvalidArgumentError, type Command } from 'commander';
import type { SampleOptions } from './run-sample.js';
import { seedNumber, threadNumber, wholeNumber } from './whole-number.js';

/** A number of at least 0. */
function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('wanted a finite number of at least 0');
}

export function registerSample(program: Command): void {
  program
    .command('sample')
    .description('Continues a text by a run of a language model.')
    .argument('<run-folder>', 'such as results/moby-dick-gpt/VARIANT/seed-1')
    .option('--prompt <text>', 'what is continued (default: the beginning of a line)')
    .option('--tokens <n>', 'characters, or bytes, that are added', wholeNumber(7), 500)
    .option(
      '--temperature <t>',
      'below 1 the likely ones become likelier; 0 takes the likeliest',
      temperature,
      1,
    )
    .option('--top <k>', 'draw among the k likeliest alone (default: all)', wholeNumber(7))
    .option('--seed <n>', 'draws; the same gives the same text', seedNumber, 1)
    .option(
      '--checkpoint <file>',
      'best (of checkpoint.keepBest), or another checkpoint of the run',
    )
    .option('--device <device>', 'auto, cpu or gpu')
    .option('--threads <n>', 'threads that compute (default: as the run)', threadNumber)
    .action(async (folder: string, options: SampleOptions) => {
      const { sample } = await import('./run-sample.js');
      await sample(folder, options);
    });
}
