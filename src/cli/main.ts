// The entry of the command line: parses it, runs the command, and turns every failure into lines
// and an exit code.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { UserError } from '../util/errors.js';
import { errorCode, messageOf } from '../util/file-errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import { isLaterWorker, isStarted } from '../util/workers-place.js';
import { registerAnalyze } from './analyze.js';
import { registerBench } from './bench.js';
import { registerCompare } from './compare.js';
import { registerData } from './data.js';
import { registerDoctor } from './doctor.js';
import { registerEval } from './eval.js';
import { registerExport } from './export.js';
import { CLOSED_PIPE, describeFailure, Interrupted } from './failure.js';
import { registerGraph } from './graph.js';
import { registerModels } from './models.js';
import { tell } from './output.js';
import { registerReport } from './report.js';
import { registerSample } from './sample.js';
import { registerSweep } from './sweep.js';
import { registerTrain } from './train.js';
import type { FromWorker } from './train-together.js';

const HELP = `
First steps:
  fsam train --config quickstart      about a minute on two CPU cores
  fsam COMMAND --help                 what a command takes

Exit codes: 0 done; 1 the run or the program failed; 2 a mistake in what was asked for;
130, 143, 129, 138 interrupted by SIGINT, SIGTERM, SIGHUP, SIGUSR1; 141 the reader of the output went away.
An option given twice: the last one counts (--set and --mirror add up).`;

/**
 * Runs the command that `argv` (as in process.argv) asks for.
 *
 * @returns the exit code; everything there is to say has been said by then.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const verbose = argv.includes('--verbose');
  if (verbose) showNativeLog();
  const program = buildProgram();
  const fail = (error: unknown): number => {
    const { lines, exitCode } = describeFailure(error, verbose, commandIn(program, argv.slice(2)));
    // What goes wrong in all workers alike is said once, by the process that started them.
    if (isStarted()) process.send?.({ lines, exitCode } satisfies FromWorker);
    if (!isLaterWorker()) for (const line of lines) tell(line);
    return exitCode;
  };
  guardProcess(fail);
  const asked = argv.length > 2 ? argv : [...argv, '--help'];
  try {
    await program.parseAsync(asked);
    return 0;
  } catch (error) {
    const exitCode = fail(error);
    if (error instanceof Interrupted && error.reading) await endBy(error.signal);
    return exitCode;
  }
}

/** The command that `words` begin with: `fsam data fetch`; `fsam` where they name none. */
function commandIn(program: Command, words: readonly string[]): string {
  const [word, ...others] = words;
  const command = program.commands.find((child) => child.name() === word);
  return command === undefined ? program.name() : `${program.name()} ${commandIn(command, others)}`;
}

/** Ends the process by the signal that it got: Node would wait for what is being read. */
async function endBy(signal: StopSignal): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    await new Promise((resolve) => stream.write('', resolve));
  }
  process.kill(process.pid, signal);
  return new Promise(() => undefined);
}

function buildProgram(): Command {
  const program = new Command('fsam')
    .description(
      'Trains image classifiers and language models with SGD, SAM and F-SAM from YAML experiment files.',
    )
    .version(projectVersion(), '--version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', HELP)
    // Commands take these two settings over from here: failures come back to main, which words
    // them.
    .exitOverride()
    .configureOutput({
      outputError: () => undefined,
      // Help that was not asked for by name, as after `fsam data`.
      writeErr: (text) => process.stdout.write(text),
    });
  registerTrain(program);
  registerSweep(program);
  registerReport(program);
  registerCompare(program);
  registerEval(program);
  registerExport(program);
  registerAnalyze(program);
  registerSample(program);
  registerModels(program);
  registerGraph(program);
  registerBench(program);
  registerData(program);
  registerDoctor(program);
  addVerbose(program);
  return program;
}

function addVerbose(command: Command): void {
  for (const child of command.commands) addVerbose(child);
  if (command.commands.length > 0) return;
  command.option('--verbose', "show TensorFlow's own log, and where an internal error came from");
}

/** The native library and the set-up look at these. */
function showNativeLog(): void {
  process.env['FSAM_VERBOSE'] ??= '1';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '0';
}

/** For what does not come back through a promise that main awaits. */
function guardProcess(fail: (error: unknown) => number): void {
  const leave = (error: unknown): void => {
    // A terminal that is gone reads no more, but what runs goes on; whether it is to stop, SIGHUP says.
    if (errorCode(error) === 'EIO') return;
    process.exit(
      errorCode(error) === 'EPIPE'
        ? CLOSED_PIPE
        : fail(new UserError(`the output cannot be written (${messageOf(error)})`)),
    );
  };
  process.stdout.on('error', leave);
  process.stderr.on('error', leave);
  process.on('uncaughtException', (error) => {
    process.exit(fail(error));
  });
}

function projectVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
