// What is said about a failure, and the exit codes.
import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { describeFailure, Interrupted } from '../../src/cli/failure.js';
import { InternalError, RunError, UserError } from '../../src/util/errors.js';

describe('describeFailure', () => {
  it('gives each mistake of the user a line, exit code 2', () => {
    const failure = describeFailure(new UserError('seed: got -1\nrho: got "x"'), false);
    expect(failure).toEqual({ lines: ['fsam: seed: got -1', 'fsam: rho: got "x"'], exitCode: 2 });
  });

  it('gives a failed run one line, exit code 1', () => {
    const failure = describeFailure(new RunError('the loss is NaN'), false);
    expect(failure).toEqual({ lines: ['fsam: the loss is NaN'], exitCode: 1 });
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGUSR1', 138],
  ] as const)('ends after %s with %i', (signal, exitCode) => {
    const failure = describeFailure(new Interrupted(signal, 'go on with --resume'), false);
    const lines = [`fsam: interrupted by ${signal}; go on with --resume`];
    expect(failure).toEqual({ lines, exitCode });
  });

  it('puts an error of our own on one line, marked as internal once', () => {
    const ours = describeFailure(new InternalError('state x is missing'), false);
    const foreign = describeFailure(new TypeError('no\n  shape'), false);
    expect(ours.lines).toEqual(['fsam: internal: state x is missing (--verbose shows where)']);
    expect(foreign.lines).toEqual(['fsam: internal: no shape (--verbose shows where)']);
    expect([ours.exitCode, foreign.exitCode]).toEqual([1, 1]);
  });

  it('tells sizes that no array has room for as a mistake', () => {
    let thrown: unknown;
    try {
      new Float32Array(2 ** 60);
    } catch (error) {
      thrown = error;
    }
    const { lines, exitCode } = describeFailure(thrown, false);
    expect(exitCode).toBe(2);
    expect(lines[0]).toMatch(/^fsam: memory: got sizes .*: 1152921504606\d+\); wanted smaller/);
    expect(describeFailure(new RangeError('no such date'), false).exitCode).toBe(1);
  });

  it('shows under --verbose where it came from', () => {
    const { lines } = describeFailure(new TypeError('no shape'), true);
    expect(lines[0]).toBe('fsam: internal: no shape');
    expect(lines[1]).toMatch(/failure\.test\.ts/);
  });

  it('takes what is not an Error, too', () => {
    expect(describeFailure('bad', false)).toEqual({ lines: ['fsam: internal: bad'], exitCode: 1 });
  });

  it("turns commander's usage errors into one line, exit code 2", () => {
    const unknown = "error: unknown option '--epoch'\n(Did you mean --epochs?)";
    const failure = describeFailure(
      new CommanderError(1, 'commander.unknownOption', unknown),
      false,
    );
    const lines = ["fsam: unknown option '--epoch' (Did you mean --epochs?)"];
    expect(failure).toEqual({ lines, exitCode: 2 });
  });

  it('says nothing after help', () => {
    const help = new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)');
    expect(describeFailure(help, false)).toEqual({ lines: [], exitCode: 0 });
  });
});
