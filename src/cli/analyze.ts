// fsam analyze: the shape of the loss around a trained network, and what label noise and climbs did to it.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { refuseUnnamed } from './out-option.js';
import type { AnalyzeOptions, AnalysisName } from './run-analysis.js';
import { seedNumber, threadNumber, wholeNumber } from './whole-number.js';

const HELP = `
Reads a run and writes tables and figures into RUN/analysis; docs/analysis.md says what each number means. A
command that was killed goes on where it was, and comes to the same bytes.`;

const count = wholeNumber(7);

/** Its square is a number of float32. */
const MOST = 1e18;

const isPositive = (value: number): boolean => value > 0 && value <= MOST;

/** Positive numbers with commas between; an empty text is none. */
function numbers(text: string): readonly number[] {
  const all = text === '' ? [] : text.split(',').map(Number);
  if (all.every(isPositive)) return all;
  throw new InvalidArgumentError('wanted numbers above 0, such as 0.05,0.1, and 1e18 at most');
}

function positive(text: string): number {
  if (isPositive(Number(text))) return Number(text);
  throw new InvalidArgumentError('wanted a number above 0, and 1e18 at most');
}

/** Residuals beyond it say nothing of an eigenvalue. */
const LOOSEST = 0.01;

function tolerance(text: string): number {
  if (isPositive(Number(text)) && Number(text) <= LOOSEST) return Number(text);
  throw new InvalidArgumentError(`wanted a number above 0, and ${LOOSEST} at most`);
}

/** Of sharpness: all but `gaussian`, which goes much further at the same number. */
const KINDS = 'one-step,worst-case,sphere';

export function registerAnalyze(program: Command): void {
  const group = program
    .command('analyze')
    .description('Measures the loss around a trained network: curvature, sharpness, slices.')
    .addHelpText('after', HELP);
  const add = (name: AnalysisName, description: string, batchNorm = 'evaluation'): Command => {
    const command = group
      .command(name)
      .description(description)
      .requiredOption('--run <folder>', 'such as results/quickstart/VARIANT/seed-1');
    if (name !== 'memorization') addCheckpointOptions(command);
    command
      .option('--out <folder>', 'where the files go (default: RUN/analysis)')
      .option('--data-dir <path>', 'where the data set is now')
      .option('--device <device>', 'auto, cpu or gpu')
      .option('--threads <n>', 'threads that compute (default: as the run)', threadNumber);
    if (name !== 'memorization') addSampleOptions(command, batchNorm);
    command.action(async (options: AnalyzeOptions) => {
      refuseUnnamed(options.out);
      const { runAnalysis } = await import('./run-analysis.js');
      await runAnalysis(name, options);
    });
    return command;
  };
  add(
    'hessian',
    'Largest and smallest eigenvalues, and traces, of the Hessian and of Gauss-Newton.',
  )
    .option('--top <n>', 'largest eigenvalues', count, 5)
    .option('--bottom <n>', 'smallest eigenvalues', count, 2)
    .option('--steps <n>', 'products at most for the ends of a spectrum', count, 300)
    .option('--tolerance <x>', 'residuals allowed, relative to the largest', tolerance, 1e-4)
    .option('--probes <n>', 'random vectors of the trace', count, 10);
  add('spectrum', 'Spectral densities of the Hessian and of Gauss-Newton.')
    .option('--runs <n>', 'random vectors', count, 2)
    .option('--steps <n>', 'products of each', count, 80);
  add('sharpness', 'How much the loss rises nearby: along the gradient, at worst, on average.')
    .option('--kinds <names>', 'measures: those of docs/analysis.md', KINDS)
    .addOption(
      new Option('--rho <numbers>', 'lengths of the perturbation; "" for none')
        .argParser(numbers)
        .default([0.05, 0.1], '0.05,0.1'),
    )
    .addOption(
      new Option('--adaptive-rho <numbers>', 'lengths relative to each weight; "" for none')
        .argParser(numbers)
        .default([0.5], '0.5'),
    )
    .option('--steps <n>', 'of worst-case: steps of an ascent (default: 20)', count)
    .option('--restarts <n>', 'of worst-case: ascents from random starts, too', count)
    .option('--draws <n>', 'of sphere and gaussian: perturbations (default: 20)', count)
    .option('--m <n>', 'also the mean over parts of so many examples', count)
    .option('--parts <n>', 'of --m: parts at most (default: 16)', count);
  add(
    'landscape',
    'The loss along a line, over a plane, or on the way to another run.',
    'recalibrated',
  )
    .addOption(
      new Option('--kind <kind>', 'random directions, as long as w filter by filter; or --to a run')
        .choices(['line', 'plane', 'path'])
        .default('line'),
    )
    .option('--to <folder>', 'the run at the other end of a path')
    .addOption(
      new Option(
        '--one-axis <what>',
        'biases and scales of normalisations in a direction (default: "zero")',
      ).choices(['zero', 'weights']),
    )
    .option('--range <x>', 'how far a line or plane goes to either side (default: 1)', positive)
    .option('--points <n>', 'points along an axis (default: 25; plane: 11)', count);
  add('memorization', 'How many wrong labels of a run with label noise were learnt by heart.');
  group
    .command('convergence')
    .description(
      'How the full gradient of probed runs falls, and how near the average comes to it.',
    )
    .argument('<path...>', 'run folders with probes.csv, or folders above some')
    .option('--out <folder>', 'where the files go (default: PATH/analysis)')
    .action(async (paths: readonly string[], options: { readonly out?: string }) => {
      refuseUnnamed(options.out);
      const { analyzeConvergence } = await import('./analyze-convergence.js');
      await analyzeConvergence(paths, options);
    });
}

function addCheckpointOptions(command: Command): void {
  command
    .addOption(
      new Option('--checkpoint <file>', 'best, or a checkpoint (default: the newest)').conflicts(
        'alongRun',
      ),
    )
    .option('--along-run', 'every checkpoint that the run kept (checkpoint.keepEveryEpochs)');
}

function addSampleOptions(command: Command, batchNorm: string): void {
  command
    .addOption(
      new Option('--batch-norm <mode>', 'statistics: of the run, of each batch, or measured anew')
        .choices(['evaluation', 'batch', 'recalibrated'])
        .default(batchNorm),
    )
    .addOption(
      new Option('--split <split>', 'examples, unaugmented')
        .choices(['train', 'test'])
        .default('train'),
    )
    .option('--samples <n>', 'examples, drawn at random; all where there are fewer', count, 5000)
    .option(
      '--batch <n>',
      'examples a batch (default: as many as BatchNorm saw in training)',
      count,
    )
    .option('--seed <n>', 'what everything random is drawn from', seedNumber, 1);
}
