// The points of a sweep on this machine: processes side by side, and what becomes of each.
import { join } from 'node:path';
import { bestOf } from '../catalogue/task.js';
import { runFolder } from '../experiment/folder.js';
import type { Interruption } from '../experiment/interruption.js';
import { readSummary } from '../experiment/summary.js';
import { InternalError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import type { StopSignal } from '../util/stop-signals.js';
import { lockSweep, writePlan, type SweepPlan } from './plan-file.js';
import { isValid, type Point } from './points.js';
import { startPool, type Ending, type Pool } from './pool.js';
import type { PointResult, SweepReporter } from './reporter.js';
import { look, toRun, type Standing } from './standing.js';
import { writeFailure } from './state.js';

export interface LocalRequest {
  /** Of the sweep. */
  readonly folder: string;
  readonly plan: SweepPlan;
  /** The points chosen. */
  readonly standings: readonly Standing[];
  /** Points at a time. */
  readonly jobs: number;
}

/** Notes the first signal, and tells `notify` of it, until it is released. */
export type WatchSignals = (notify: (signal: StopSignal) => void) => {
  readonly interruption: Interruption;
  readonly release: () => void;
};

/** A point that is left unfinished, and why. */
export interface FailedPoint {
  readonly point: Point;
  readonly reason: string;
}

export interface LocalOutcome {
  readonly failed: readonly FailedPoint[];
  readonly signal: StopSignal | null;
}

/**
 * Runs what is to run; then those that another process was at work on, if it has left them: that of
 * a sweep that was killed is still saving.
 */
export async function runAll(
  { standings, ...request }: LocalRequest,
  reporter: SweepReporter,
  watchSignals: WatchSignals,
): Promise<LocalOutcome> {
  const run = (those: readonly Standing[]) => runSome(request, those, reporter, watchSignals);
  const outcome = await run(toRun(standings));
  const busy = standings.flatMap(({ point, state }) => (state.kind === 'running' ? [point] : []));
  if (outcome.signal !== null || busy.length === 0) return outcome;
  const now = await look(busy, request.folder, false);
  const others = now.flatMap(({ point, state }) => {
    if (state.kind === 'running') return { point, reason: 'another process is at work on it' };
    return state.kind === 'invalid' ? { point, reason: state.reason } : [];
  });
  const { failed, signal } = await run(toRun(now));
  return { failed: [...outcome.failed, ...failed, ...others], signal };
}

/** What fails is told, and stops nothing else. */
async function runSome(
  { folder, plan, jobs }: Omit<LocalRequest, 'standings'>,
  going: readonly Standing[],
  reporter: SweepReporter,
  watchSignals: WatchSignals,
): Promise<LocalOutcome> {
  await makeFolders(folder);
  const lock = await lockSweep(folder);
  let pool: Pool | null = null;
  const watch = watchSignals((signal) => {
    reporter.stopping(signal);
    pool?.stop();
  });
  const endings: PointEnding[] = [];
  const of = going.length;
  let ended = 0;
  try {
    await writePlan(folder, plan);
    reporter.begin(of);
    pool = startPool({
      sweepFolder: folder,
      workingFolder: plan.workingFolder ?? process.cwd(),
      points: going.map(({ point, overwrites }) => ({ point, overwrites })),
      jobs: Math.min(jobs, of),
      threads: plan.threads,
      interruption: watch.interruption,
      ended: async (point, ending, seconds) => {
        endings.push({ point, ending });
        const result = await resultOf(point, join(folder, point.name), ending);
        reporter.pointEnd({ name: point.name, result, seconds, ended: ++ended, of });
      },
    });
    await pool.finished;
  } finally {
    reporter.end();
    watch.release();
    await lock.release();
  }
  const { signal } = watch.interruption;
  return { failed: failedOf(endings, signal), signal };
}

interface PointEnding {
  readonly point: Point;
  readonly ending: Ending;
}

/** What failed; then, where nobody stopped the sweep, what left by itself and so is missing in it. */
function failedOf(endings: readonly PointEnding[], signal: StopSignal | null): FailedPoint[] {
  const failed = endings.flatMap(({ point, ending }) =>
    ending.kind === 'failed' ? [{ point, reason: ending.reason }] : [],
  );
  const missing = endings.flatMap(({ point, ending }) =>
    ending.kind === 'interrupted'
      ? [{ point, reason: `got ${ending.signal} from outside and left, unfinished` }]
      : [],
  );
  return signal === null ? [...failed, ...missing] : failed;
}

/** Leaves word in the point's `folder` where its process could not. */
async function resultOf(point: Point, folder: string, ending: Ending): Promise<PointResult> {
  switch (ending.kind) {
    case 'interrupted':
      return ending;
    case 'failed': {
      const { reason, exitCode, killed } = ending;
      if (killed) await writeFailure(folder, reason, exitCode);
      return { kind: 'failed', reason };
    }
    case 'done': {
      if (!isValid(point)) throw new InternalError(`${point.name} ran without a configuration`);
      const { scores } = await readSummary(runFolder(folder).summary, point.config);
      return {
        kind: 'done',
        measure: bestOf(point.config).test,
        last: scores.last,
        best: scores.best,
      };
    }
    default:
      return ending satisfies never;
  }
}
