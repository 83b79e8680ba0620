// Runs another program: output kept for the error message, shown only when verbose; ends with us.
import { spawn } from 'node:child_process';

/** bin/fsam tells whether a hang-up is ignored, as under nohup. */
const IGNORES_HANG_UP = process.env['FSAM_SIGHUP'] === 'ignored';

/** @type {NodeJS.Signals[]} */
const SIGNALS = IGNORES_HANG_UP ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Node would give the program the default action; the shell's exit code 127 means that there is no such program. */
const SHELL = IGNORES_HANG_UP ? ['sh', '-c', 'trap "" HUP; exec "$@"', 'sh'] : [];
const NOT_FOUND = 127;

/**
 * @typedef {object} ToolResult
 * @property {boolean} found false if there is no such program
 * @property {boolean} ok whether it ended with exit code 0
 * @property {string} output what it printed on stdout and stderr together
 */

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, verbose: boolean }} options verbose: show its
 *   output on stderr as it comes
 * @returns {Promise<ToolResult>}
 */
export async function runTool(command, args, { cwd, env, verbose }) {
  const [program = command, ...words] = [...SHELL, command, ...args];
  const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (/** @type {string} */ text) => {
      output += text;
      if (verbose) process.stderr.write(text);
    });
  }

  // A signal to us alone must not leave the program running behind a lock that nobody holds any
  // more.
  /** @type {NodeJS.Signals | undefined} */
  let stoppedBy;
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    stoppedBy = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, stop);

  /** @type {ToolResult} */
  const result = await new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') {
        resolve({ found: false, ok: false, output });
      } else reject(error);
    });
    child.on('close', (code) => {
      resolve({ found: !(IGNORES_HANG_UP && code === NOT_FOUND), ok: code === 0, output });
    });
  });

  for (const signal of SIGNALS) process.off(signal, stop);
  if (stoppedBy !== undefined) {
    process.kill(process.pid, stoppedBy);
    await new Promise(() => {}); // the signal ends this process
  }
  return result;
}

/**
 * The line of a tool's output that tells most: the first that matches, or else the last.
 *
 * @param {string} output
 * @param {RegExp} pattern
 */
export function tellingLine(output, pattern) {
  const lines = output.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => pattern.test(line)) ?? lines.filter(Boolean).at(-1) ?? 'it said nothing'
  );
}
