// fsam train --workers k: starts the workers on this machine, watches them, and ends all where one is lost.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { EndedElsewhere, RunError, UserError } from '../util/errors.js';
import { threadCount, threadsTold, WITHIN } from '../native/threads.js';
import { freePorts } from '../util/free-ports.js';
import { exitCodeOf, stopSignalOf, type StopSignal } from '../util/stop-signals.js';
import { isOtherLost, WORKER_VARIABLE } from '../util/workers-place.js';
import { tell } from './output.js';
import { heeded } from './signals.js';
import { OPEN_SERVER, placeText } from './workers-place.js';

/** How a worker ended. */
interface Ended {
  readonly index: number;
  /** What went wrong, as the user is to read it. */
  readonly lines: readonly string[];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long the others may take to end by themselves, once one has ended in good order, or made a mistake of all. */
const GRACE_MILLISECONDS = 10_000;
/** The same once one is lost: they can do no more. */
const LOST_MILLISECONDS = 2000;

/** What this process tells a worker: the signal that it got itself. */
export interface ToWorker {
  readonly signal: StopSignal;
}

/** What a worker tells this process: what went wrong. Only the first has said so itself. */
export interface FromWorker {
  readonly lines: readonly string[];
}

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
  // They share the cores, unless they are told otherwise.
  const threads = threadsTold() ?? Math.max(1, Math.floor(threadCount() / count));
  const children: ChildProcess[] = [];
  // Before there is anybody to be told.
  const passing = passSignals(children);
  try {
    for (const index of addresses.keys()) {
      children.push(start(placeText({ index, addresses }), index, threads));
    }
    const ends = children.map(endOf);
    const first = await Promise.race(ends);
    // The first worker saves, however long that takes: nobody waits for anybody any more.
    if (isInOrder(first)) await ends[0];
    // Those that wait for it in a sum end by the time-out; those that are stopped, never.
    const wait = isLoss(first) ? LOST_MILLISECONDS : GRACE_MILLISECONDS;
    await Promise.race([Promise.all(ends), setTimeout(wait, null, { ref: false })]);
    const hanging = children.flatMap(({ exitCode, signalCode }, index) =>
      exitCode === null && signalCode === null ? [index] : [],
    );
    for (const index of hanging) children[index]?.kill('SIGKILL');
    const ended = await Promise.all(ends);
    const byThemselves = ended.filter(({ index }) => !hanging.includes(index));
    for (const line of toldByOthers(byThemselves)) tell(line);
    judge(byThemselves, hanging, passing.passed());
  } finally {
    passing.forget();
  }
}

const isInOrder = ({ code }: Ended): boolean =>
  code !== null && (code === 0 || stopSignalOf(code) !== undefined);

const isLoss = ({ code }: Ended): boolean => code === null || code === 1 || isOtherLost(code);

/** What the first worker has not said itself. That others are lost is of interest where nothing else is known. */
function toldByOthers(ended: readonly Ended[]): string[] {
  const said = new Set(ended.find(({ index }) => index === 0)?.lines);
  const others = ended.filter(({ index }) => index > 0);
  const faults = others.filter(({ code }) => !isOtherLost(code)).flatMap(({ lines }) => lines);
  const losses = others.flatMap(({ lines }) => lines).slice(0, 1);
  const lines = new Set(faults.length + said.size > 0 ? faults : losses);
  return [...lines].filter((line) => !said.has(line));
}

/**
 * What went wrong, if anything, is what the others ended of.
 *
 * @param hanging those that had to be ended
 * @param passed a signal that was passed on to all
 */
function judge(
  ended: readonly Ended[],
  hanging: readonly number[],
  passed: StopSignal | null,
): void {
  const cause =
    ended.find(({ code, signal }) =>
      signal === null ? code !== 0 && !isOtherLost(code) : signal !== passed,
    ) ?? ended.find(({ code }) => code !== 0);
  if (cause === undefined) return;
  const { index, code, signal } = cause;
  // It had not begun to listen yet.
  if (signal !== null && signal === passed) throw new EndedElsewhere(exitCodeOf(passed));
  if (signal !== null) {
    throw new RunError(
      `worker ${index} was lost: ended by ${signal}; the others were ended, too; --resume goes on from the last checkpoint`,
    );
  }
  // It has told what went wrong, unless it waited for one that hangs.
  if (isOtherLost(code) && hanging.length > 0) {
    const lost = hanging.map((one) => `worker ${one}`).join(', ');
    throw new RunError(
      `${lost} did not answer and was ended; --resume goes on from the last checkpoint`,
    );
  }
  throw new EndedElsewhere(isOtherLost(code) ? 1 : (code ?? 1));
}

function start(place: string, index: number, threads: number): ChildProcess {
  return spawn(process.execPath, process.argv.slice(1), {
    env: { ...process.env, [WORKER_VARIABLE]: place, [WITHIN]: String(threads) },
    // The channel tells a worker of signals, and that this process is gone.
    stdio: ['inherit', index === 0 ? 'inherit' : 'ignore', 'inherit', 'ipc'],
  });
}

const endOf = (child: ChildProcess, index: number): Promise<Ended> =>
  new Promise((resolve, reject) => {
    let lines: readonly string[] = [];
    child.on('message', (told: FromWorker) => {
      ({ lines } = told);
    });
    child.on('error', reject);
    // After the last message.
    child.on('close', (code: number | null, signal: NodeJS.Signals | null) => {
      resolve({ index, code, signal, lines });
    });
  });

/**
 * A worker hears of the first signal by its channel, which waits until it listens; a Ctrl-C reaches it besides, with
 * the whole group. The second Ctrl-C ends all at once.
 */
function passSignals(children: readonly ChildProcess[]): {
  readonly passed: () => StopSignal | null;
  readonly forget: () => void;
} {
  let passed: StopSignal | null = null;
  const pass = (signal: StopSignal): void => {
    if (passed === null) {
      passed = signal;
      for (const child of children) if (child.connected) child.send({ signal } satisfies ToWorker);
    } else if (signal === 'SIGINT') {
      for (const child of children) child.kill('SIGKILL');
      process.exit(exitCodeOf(signal));
    }
  };
  const signals = heeded();
  for (const signal of signals) process.on(signal, pass);
  return {
    passed: () => passed,
    forget: () => {
      for (const signal of signals) process.off(signal, pass);
    },
  };
}
