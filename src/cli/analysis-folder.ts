// Where analyses may put their files: what is found stands for the run in whose folder it lies.
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { runFolder } from '../experiment/folder.js';
import { UserError } from '../util/errors.js';

/**
 * @param own the runs that are analysed
 * Errors: UserError where `out` is the folder of a run, or lies in that of another, or among checkpoints.
 */
export function refuseFoldersOfRuns(out: string, own: readonly string[]): void {
  const isRun = (folder: string): boolean => existsSync(runFolder(folder).environment);
  if (isRun(out)) {
    throw new UserError(
      `--out ${out}: is the folder of a run, whose files are its own; wanted another, or ${runFolder(out).analysis}`,
    );
  }
  const to = realPathOf(out);
  let above = dirname(to);
  while (!isRun(above)) {
    if (above === dirname(above)) return;
    above = dirname(above);
  }
  if (!own.some((run) => realPathOf(run) === above)) {
    throw new UserError(
      `--out ${out}: lies in the folder of another run, ${above}, whose analysis it would pass for; wanted another folder`,
    );
  }
  const { checkpoints, analysis } = runFolder(above);
  if (isIn(checkpoints, to)) {
    throw new UserError(
      `--out ${out}: lies among the checkpoints of the run, wanted another folder, such as ${analysis}`,
    );
  }
}

/** Whether `path` is `folder`, or lies in it, links followed. */
export const isIn = (folder: string, path: string): boolean =>
  relative(realPathOf(folder), realPathOf(path)).split('/')[0] !== '..';

/** Links followed, as far as there is something. */
function realPathOf(path: string): string {
  const whole = resolve(path);
  if (existsSync(whole) || whole === dirname(whole)) return realpathSync(whole);
  return join(realPathOf(dirname(whole)), basename(whole));
}
