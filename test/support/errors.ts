// How an operation must fail.
import { expect } from 'vitest';
import { UserError, type RunError } from '../../src/util/errors.js';

/** The message of the error that `promise` rejects with: one line, as the command prints it. */
export async function messageOf(
  promise: Promise<unknown>,
  kind: typeof UserError | typeof RunError = UserError,
): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(kind);
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  return message;
}
