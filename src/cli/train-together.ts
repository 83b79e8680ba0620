// fsam train --workers k: starts the workers on this machine, watches them, and ends all where one is lost.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { RunError, UserError } from '../util/errors.js';
import { freePorts } from '../util/free-ports.js';
import { STOP_SIGNALS } from '../util/stop-signals.js';
import { EndedElsewhere } from './failure.js';
import { OPEN_SERVER, placeText, WORKER_VARIABLE } from './workers-place.js';

/** How a worker ended. */
interface Ended {
  readonly index: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long the others may take to end by themselves, once one has ended in good order, or made a mistake of all. */
const GRACE_MILLISECONDS = 10_000;
/** The same once one is lost: they can do no more. */
const LOST_MILLISECONDS = 2000;

/**
 * Runs the command of this process in each worker. The first worker writes the folder, and has this process's output.
 *
 * Errors: UserError where the user has not agreed to open servers; RunError that names the worker that was lost;
 * EndedElsewhere where a worker has told what went wrong.
 */
export async function trainTogether(count: number, opensServer: boolean): Promise<void> {
  if (!opensServer) {
    throw new UserError(`--workers ${count}: ${OPEN_SERVER}`);
  }
  const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
  const children = addresses.map((_, index) => start(placeText({ index, addresses }), index));
  const ends = children.map((child, index) => endOf(child, index));
  const forget = passSignals(children);
  try {
    const first = await Promise.race(ends);
    // Those that wait for it in a sum end by the time-out; those that are stopped, never.
    const wait = first.code === null || first.code === 1 ? LOST_MILLISECONDS : GRACE_MILLISECONDS;
    const all = await Promise.race([Promise.all(ends), setTimeout(wait, null, { ref: false })]);
    const hanging = children.flatMap(({ exitCode, signalCode }, index) =>
      exitCode === null && signalCode === null ? [index] : [],
    );
    for (const index of hanging) children[index]?.kill('SIGKILL');
    const ended = await Promise.all(ends);
    const failed = [first, ...ended].find(({ code }) => code !== 0);
    if (failed !== undefined) judge(failed, all === null ? hanging : []);
  } finally {
    forget();
  }
}

/** @param hanging those that had to be ended, and not because the others had */
function judge({ index, code, signal }: Ended, hanging: readonly number[]): never {
  if (signal !== null) {
    throw new RunError(
      `worker ${index} was lost: ended by ${signal}; the others were ended, too; --resume goes on from the last checkpoint`,
    );
  }
  // It has told what went wrong, unless it waited for one that hangs.
  if (code === 1 && hanging.length > 0) {
    const lost = hanging.map((one) => `worker ${one}`).join(', ');
    throw new RunError(
      `${lost} did not answer and was ended; --resume goes on from the last checkpoint`,
    );
  }
  throw new EndedElsewhere(code ?? 1);
}

function start(place: string, index: number): ChildProcess {
  return spawn(process.execPath, process.argv.slice(1), {
    env: { ...process.env, [WORKER_VARIABLE]: place },
    // The channel tells a worker that this process is gone.
    stdio: ['inherit', index === 0 ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  });
}

const endOf = (child: ChildProcess, index: number): Promise<Ended> =>
  new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      resolve({ index, code, signal });
    });
  });

/** A Ctrl-C reaches the whole group; what is sent to this process alone is passed on. */
function passSignals(children: readonly ChildProcess[]): () => void {
  const pass = (signal: NodeJS.Signals): void => {
    for (const child of children) child.kill(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, pass);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, pass);
  };
}
