// The operating system's own lock on an open file: it ends with the process, however that ends, and
// holds between containers of one kernel. Node has no call for it; flock(1) of util-linux takes it on
// a file that we hold open.
import { spawn } from 'node:child_process';

/** What flock(1) is told to answer where somebody else has the lock. */
const TAKEN = 75;

/**
 * Takes the lock on the open file `fd` without waiting: for this process alone, or shared with
 * others that ask as well. It lasts until the file is closed.
 *
 * `unknown`: there is no flock(1), or the file system knows no such locks.
 */
export async function lockOpenFile(
  fd: number,
  kind: 'exclusive' | 'shared',
): Promise<'taken' | 'free' | 'unknown'> {
  const args = ['--nonblock', '--conflict-exit-code', String(TAKEN), `--${kind}`, '3'];
  const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', resolve);
  });
  if (code === TAKEN) return 'taken';
  return code === 0 ? 'free' : 'unknown';
}
