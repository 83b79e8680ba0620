// The options of fsam bench.
import { Option, type Command } from 'commander';
import { MODES, PYTORCH_MODES } from './bench-modes.js';
import { addConfigOptions, type ConfigOptions } from './config-options.js';
import { threadNumber, wholeNumber } from './whole-number.js';

/** As commander names them. */
export interface BenchOptions extends ConfigOptions {
  readonly batch?: number;
  readonly steps: number;
  readonly warmup: number;
  readonly rounds: number;
  readonly modes: typeof MODES;
  readonly against?: string;
  readonly againstModes: typeof PYTORCH_MODES;
  readonly python?: string;
  readonly json?: string;
  /** True: the usual file. */
  readonly profile?: string | true;
  readonly threads?: number;
  readonly dataOnly?: true;
  readonly workers?: readonly number[];
  readonly withStep?: true;
}

/** Where the trace goes unless it is told. */
export const TRACE_FILE = 'trace.json';
const PROFILE_HELP = `
--profile runs each profiled step beside one without a profile. count and ms are those of all nodes of an op in a step:
the mean of the faster half of --steps steps, which other programs disturbed least. share is of the step's time; bytes
are those of the op's outputs, whether their memory is new or one of its inputs'. FILE gets the fastest step, for
chrome://tracing and https://ui.perfetto.dev, and the table; one that is not from this command is not written over.`;

const DATA_HELP = `
--data-only reads the first batches of training, --steps after --warmup, as training does, once all of their pictures were
read from the disk: images a second by number of workers, and the milliseconds an image of each part on one thread. take
is what is left for training to do. --against scripts/bench_torchvision.py reads the same pictures, boxes and flips with
torchvision's DataLoader. --with-step also times the compiled step, which on a CPU may take long, and much memory.
`;

const HELP = `
stock: tfjs's own operations one by one; eager: fsam's operations one by one; compiled: one call of TensorFlow a step.
Examples are synthetic, in the shape of the configuration's set, and reach the step as those do; of an imagenet whose
folder is not there the shape is the published one. Leave the machine alone while it runs; where it is not yours alone,
--rounds makes the sides take turns.
${DATA_HELP}${PROFILE_HELP}`;

/** A parser, for commander, of numbers with commas between them. */
function numbers(text: string): number[] {
  return [...new Set(text.split(',').map(wholeNumber(3)))];
}

export function addBenchOptions(command: Command): void {
  const count = wholeNumber(9);
  addConfigOptions(command, 'experiment', ['--epochs', '--max-steps', '--subset'])
    .option('--batch <n>', 'examples a step (default: batchSize of the configuration)', count)
    .option('--steps <n>', 'measured steps', count, 10)
    .option('--warmup <n>', 'steps before the measured ones', count, 3)
    .option('--rounds <n>', 'times that each side has its turn', count, 1)
    .addOption(new Option('--modes <mode...>', 'how fsam runs').choices(MODES).default(MODES))
    .option('--against <script>', 'Python program to time too, such as scripts/bench_pytorch.py')
    .addOption(
      new Option('--against-modes <mode...>', 'how PyTorch runs')
        .choices(PYTORCH_MODES)
        .default(PYTORCH_MODES),
    )
    .option('--python <python>', 'Python that has torch (default: $FSAM_PYTHON or python3)')
    .option('--data-only', 'how fast training pictures are read, in place of steps')
    .option(
      '--workers <n,...>',
      'with --data-only: threads that read (default: 1, 2, 4 ... every core)',
      numbers,
    )
    .option('--with-step', 'with --data-only: how many images a second a step takes in, too')
    .option('--threads <n>', 'threads of each side (default: every core)', threadNumber)
    .option('--json <file>', 'also write every figure there')
    .option(
      '--profile [file]',
      `where the time of the compiled step goes, op by op; its trace goes to the file (default: ${TRACE_FILE})`,
    )
    .addHelpText('after', HELP);
}
