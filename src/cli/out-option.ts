// What every option --out has in common.
import { UserError } from '../util/errors.js';

/** Errors: UserError where the name is empty, as of a variable of the shell that is not set. */
export function refuseUnnamed(folder: string | undefined, wanted = 'a folder'): void {
  if (folder === '') throw new UserError(`--out: got an empty name, wanted ${wanted}`);
}
