// fsam train --workers k: starts the workers on this machine, watches them, and ends all where one is lost.
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { EndedElsewhere, RunError, UserError } from '../util/errors.js';
import { threadCount, threadsTold, WITHIN } from '../native/threads.js';
import { freePorts } from '../util/free-ports.js';
import { exitCodeOf, stopSignalOf, type StopSignal } from '../util/stop-signals.js';
import { isOtherLost, isToldByFirst, WORKER_VARIABLE } from '../util/workers-place.js';
import { tell } from './output.js';
import { heeded } from './signals.js';
import { OPEN_SERVER, placeText } from './workers-place.js';

/** How a worker ended. */
interface Ended {
  readonly index: number;
  readonly code: number | null;
  /** Null where it had told how it ends, whatever ended it then. */
  readonly signal: NodeJS.Signals | null;
  /** What went wrong, as the user is to read it; null: it told nothing. */
  readonly lines: readonly string[] | null;
}

/** How long the others may take to end by themselves, once one has ended: they can go on no more. */
const GRACE_MILLISECONDS = 2000;

/** What this process tells a worker: the signal that it got itself. */
export interface ToWorker {
  readonly signal: StopSignal;
}

/** What a worker tells this process: what went wrong, and what it ends with. The first one has said so itself. */
export interface FromWorker {
  readonly lines: readonly string[];
  readonly exitCode: number;
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
    // The first worker saves, or tells what went wrong, however long that takes: nobody waits for anybody any more.
    if (leavesToFirst(await Promise.race(ends))) await ends[0];
    // Those that wait for another in a sum end by the time-out; those that are stopped, never.
    await Promise.race([Promise.all(ends), setTimeout(GRACE_MILLISECONDS, null, { ref: false })]);
    const hanging = children.flatMap(({ exitCode, signalCode }, index) =>
      exitCode === null && signalCode === null ? [index] : [],
    );
    for (const index of hanging) children[index]?.kill('SIGKILL');
    const ended = await Promise.all(ends);
    for (const line of toldByOthers(ended)) tell(line);
    const silent = ended.filter(({ index, lines }) => hanging.includes(index) && lines === null);
    judge(
      ended.filter((one) => !silent.includes(one)),
      silent.map(({ index }) => index),
      passing.passed(),
    );
  } finally {
    passing.forget();
  }
}

/** Whether the first worker ends by itself now: all do after the same step, or where a run fails for all. */
const leavesToFirst = ({ index, code, lines }: Ended): boolean =>
  isToldByFirst(code) || (isInOrder(code) && (index === 0 || !lines?.length));

const isInOrder = (code: number | null): boolean =>
  code !== null && (code === 0 || stopSignalOf(code) !== undefined);

/** What the first worker has not said itself. That others are lost is of interest where nothing else is known. */
function toldByOthers(ended: readonly Ended[]): string[] {
  const messageOf = ({ lines }: Ended): string => lines?.join('\n') ?? '';
  const said = ended.flatMap((one) => (one.index === 0 ? messageOf(one) : [])).join('');
  const others = ended.filter((one) => one.index > 0 && messageOf(one) !== '');
  const faults = others.filter(({ code }) => !isOtherLost(code));
  const told = faults.length > 0 || said !== '' ? faults : others.slice(0, 1);
  const messages = new Map<string, string>();
  for (const one of told) {
    const message = messageOf(one);
    if (message === said || messages.has(message)) continue;
    messages.set(message, message.replace(/^fsam: (?!worker)/, `fsam: worker ${one.index}: `));
  }
  return [...messages.values()];
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
      signal === null
        ? code !== 0 && !isOtherLost(code) && !isToldByFirst(code)
        : signal !== passed,
    ) ?? ended.find(({ code }) => code !== 0);
  if (cause === undefined) return;
  const { index, code, signal, lines } = cause;
  // It had not begun to listen yet.
  if (signal !== null && signal === passed) throw new EndedElsewhere(exitCodeOf(passed));
  if (signal !== null) {
    throw new RunError(
      `worker ${index} was lost: ended by ${signal}; the others were ended, too; --resume goes on from the last checkpoint`,
    );
  }
  if (lines === null && !isOtherLost(code)) {
    throw new RunError(
      `worker ${index} ended with exit code ${code ?? 'unknown'}; --resume goes on from the last checkpoint`,
    );
  }
  // It has told what went wrong, unless it waited for one that hangs.
  if (isOtherLost(code) && hanging.length > 0) {
    const lost = hanging.map((one) => `worker ${one}`).join(', ');
    throw new RunError(
      `${lost} did not answer and was ended; --resume goes on from the last checkpoint`,
    );
  }
  throw new EndedElsewhere(isOtherLost(code) || isToldByFirst(code) ? 1 : (code ?? 1));
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
    let told: FromWorker | null = null;
    child.on('message', (message: FromWorker) => {
      told = message;
    });
    child.on('error', reject);
    // After the last message.
    child.on('close', (code: number | null, signal: NodeJS.Signals | null) => {
      resolve(
        told === null
          ? { index, code, signal, lines: null }
          : { index, code: told.exitCode, signal: null, lines: told.lines },
      );
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
