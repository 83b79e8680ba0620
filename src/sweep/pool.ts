// Runs points of a sweep on this machine, a few at a time, each in a process of its own.
import { fork, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Interruption } from '../experiment/interruption.js';
import { STOP_SIGNALS, stopSignalOf, type StopSignal } from '../util/stop-signals.js';
import type { Point } from './points.js';

const inBin = (name: string): string =>
  fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));

/** What runs a point on a cluster's node. */
export const COMMAND = inBin('fsam');

/** What runs a point here: the same, for a process of Node. */
const SCRIPT = inBin('fsam.cjs');

/** How a point's process ended. */
export type Ending =
  | { readonly kind: 'done' }
  /** It left with what it had saved, whoever sent the signal. */
  | { readonly kind: 'interrupted'; readonly signal: StopSignal }
  | {
      readonly kind: 'failed';
      readonly reason: string;
      readonly exitCode: number;
      /** By a signal: it could not leave word itself. */
      readonly killed: boolean;
    };

/** Told to a point's process by its parent; a parent that is gone counts as the same. */
export const STOP = 'stop';

export interface PoolRequest {
  readonly sweepFolder: string;
  /** Of the points' processes. */
  readonly workingFolder: string;
  /** In this order; `overwrites`: anew, in a folder that holds another run. */
  readonly points: readonly { readonly point: Point; readonly overwrites: boolean }[];
  /** Processes at a time. */
  readonly jobs: number;
  readonly threads: number;
  readonly interruption: Interruption;
  /** Called in the order in which points end. */
  readonly ended: (point: Point, ending: Ending, seconds: number) => Promise<void>;
}

export interface Pool {
  /** When no point is left to run, or after an interruption none is running. */
  readonly finished: Promise<void>;
  /** Makes every process save and leave, and starts no other. */
  readonly stop: () => void;
}

export function startPool(request: PoolRequest): Pool {
  const waiting = [...request.points];
  const running = new Set<ChildProcess>();
  const work = async (): Promise<void> => {
    while (request.interruption.signal === null) {
      const next = waiting.shift();
      if (next === undefined) return;
      const begun = performance.now();
      const child = forkPoint(request, next);
      running.add(child);
      const ending = await endingOf(child);
      running.delete(child);
      await request.ended(next.point, ending, (performance.now() - begun) / 1000);
    }
  };
  return {
    finished: Promise.all(Array.from({ length: request.jobs }, work)).then(() => undefined),
    stop: () => {
      waiting.length = 0;
      for (const child of running) if (child.connected) child.send(STOP);
    },
  };
}

function forkPoint(
  { sweepFolder, workingFolder, threads }: PoolRequest,
  { point, overwrites }: PoolRequest['points'][number],
): ChildProcess {
  const own = ['--point', point.name, '--threads', String(threads)];
  const anew = overwrites ? ['--overwrite'] : [];
  const out = workingFolder === process.cwd() ? sweepFolder : resolve(sweepFolder);
  return fork(SCRIPT, ['sweep', '--out', out, ...own, ...anew, '--quiet'], {
    cwd: workingFolder,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

async function endingOf(child: ChildProcess): Promise<Ending> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve([1, null]);
    });
    child.once('close', (...how) => resolve(how));
  });
  if (code === 0) return { kind: 'done' };
  const stoppedBy = code === null ? STOP_SIGNALS.find((one) => one === signal) : stopSignalOf(code);
  if (stoppedBy !== undefined) return { kind: 'interrupted', signal: stoppedBy };
  if (code === null) {
    const reason = `its process was ended by ${signal ?? 'a signal'}`;
    return { kind: 'failed', reason, exitCode: 1, killed: true };
  }
  const last =
    said
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^fsam: /, '') ?? '';
  return { kind: 'failed', reason: last, exitCode: code, killed: false };
}
