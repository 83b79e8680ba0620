// The two kinds of failure: the user's mistake (exit code 2) and ours (exit code 1).

/**
 * A mistake the user can mend. The message names the file or key, the value got, what was wanted
 * and the way out; several mistakes found together stand one a line.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/**
 * Training went wrong on its own (a loss that is not finite, say): nobody's typing mistake, exit
 * code 1, no stack.
 */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** Another process tells what went wrong: this one ends with the exit code, and says nothing. */
export class EndedElsewhere extends Error {
  override readonly name = 'EndedElsewhere';
  constructor(readonly exitCode: number) {
    super(`another process tells; exit code ${exitCode}`);
  }
}

/** A broken promise of our own code; its message begins with `internal:` and it exits with 1. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
  constructor(message: string) {
    super(`internal: ${message}`);
  }
}

/** Returns `value`, or throws an InternalError that says what was missing. */
export function required<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new InternalError(`${what} is missing`);
  return value;
}
