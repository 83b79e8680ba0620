// Another program, run to its end in a process group of its own: a Ctrl-C in the terminal reaches
// this process alone, which then ends that group.
import { spawn } from 'node:child_process';
import { errorCode } from '../util/file-errors.js';

/** How a process ended. */
export interface Silence {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what it wrote to stderr. */
  readonly complaint: string;
}

/** Characters of stderr that are kept. */
export const KEPT_COMPLAINT = 10_000;

/**
 * Runs `program` until it ends by itself or `stop` kills it and what it has started. Its stdin stays
 * open for as long as this process lives.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  stop: AbortSignal,
): Promise<Silence & { readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const kill = (): void => {
      killGroup(child.pid);
    };
    if (stop.aborted) kill();
    stop.addEventListener('abort', kill);
    let [stdout, complaint] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-KEPT_COMPLAINT);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      stop.removeEventListener('abort', kill);
      resolve({ code, signal, stdout, complaint });
    });
  });
}

/** Kills the process group that `leader` leads; undefined, or a group that has ended, is none. */
export function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
