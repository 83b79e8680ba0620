// What the user reads about a failure, and the exit code that scripts read.
import { constants } from 'node:os';
import { CommanderError } from 'commander';
import { EndedElsewhere, InternalError, RunError, UserError } from '../util/errors.js';
import { LostWorker } from '../util/lost-worker.js';
import { exitCodeOf, type StopSignal } from '../util/stop-signals.js';
import { exitCodeOfLost } from '../util/workers-place.js';

/** 128 + SIGPIPE, as the shell has it for other programs whose reader went away. */
export const CLOSED_PIPE = 128 + constants.signals.SIGPIPE;

/**
 * A command that a signal ended in good order. `wayOut` says how to go on; `reading`: a file may still
 * be read, which may never end.
 */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor(
    readonly signal: StopSignal,
    readonly wayOut: string,
    readonly reading = false,
  ) {
    super(`interrupted by ${signal}; ${wayOut}`);
  }
}

interface Failure {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/**
 * One line for each mistake; an error of our own also tells where it came from if `verbose`.
 *
 * @param command whose help knows the way out, such as `fsam train`
 */
export function describeFailure(error: unknown, verbose: boolean, command = 'fsam'): Failure {
  if (error instanceof CommanderError) return describeUsage(error, command);
  if (error instanceof EndedElsewhere) return { lines: [], exitCode: error.exitCode };
  if (error instanceof UserError)
    return { lines: error.message.split('\n').map(ours), exitCode: 2 };
  if (error instanceof RunError) {
    const exitCode = error instanceof LostWorker ? exitCodeOfLost() : 1;
    return { lines: [ours(oneLine(error.message))], exitCode };
  }
  if (isTooLarge(error)) {
    return {
      lines: [ours(`memory: got sizes that no array has room for (${error.message}); ${SMALLER}`)],
      exitCode: 2,
    };
  }
  if (error instanceof Interrupted) {
    return { lines: [ours(error.message)], exitCode: exitCodeOf(error.signal) };
  }
  return { lines: describeInternal(error, verbose), exitCode: 1 };
}

/** Node's words for an array of more elements than there can be, or than memory has room for. */
const isTooLarge = (error: unknown): error is RangeError =>
  error instanceof RangeError &&
  /^Invalid typed array length|^Array buffer allocation failed|^Invalid array buffer length/.test(
    error.message,
  );

const SMALLER =
  'wanted smaller ones: of the network (model.width, model.layers), the data (data.resize, data.synthetic) or the batch';

/** Commander also throws to end the program after `--help` and `--version`. */
function describeUsage({ code, message }: CommanderError, command: string): Failure {
  switch (code) {
    case 'commander.help':
    case 'commander.helpDisplayed':
    case 'commander.version':
      return { lines: [], exitCode: 0 };
    default: {
      const text = oneLine(message.replace(/^error: /, '')).replace(/\.$/, '');
      const wayOut = text.includes('Did you mean') ? '' : ` (see ${command} --help)`;
      return { lines: [ours(`${text}${wayOut}`)], exitCode: 2 };
    }
  }
}

function describeInternal(error: unknown, verbose: boolean): string[] {
  if (!(error instanceof Error)) return [ours(`internal: ${oneLine(String(error))}`)];
  const text = error instanceof InternalError ? error.message : `internal: ${error.message}`;
  if (!verbose) return [ours(`${oneLine(text)} (--verbose shows where)`)];
  return [ours(text), ...(error.stack ?? '').split('\n').slice(1)];
}

const ours = (text: string): string => `fsam: ${text}`;

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' ');
