// The points of a sweep on this machine: processes side by side, a line for each that ends.
import { join } from 'node:path';
import { runFolder } from '../experiment/folder.js';
import { readSummary } from '../experiment/summary.js';
import { writePlan, type SweepPlan } from '../sweep/plan-file.js';
import { startPool, type Ending, type Pool } from '../sweep/pool.js';
import type { Point } from '../sweep/points.js';
import { writeFailure } from '../sweep/state.js';
import { makeFolders } from '../util/folders.js';
import { acquireLock } from '../util/lock.js';
import type { StopSignal } from '../util/stop-signals.js';
import { duration } from './duration.js';
import { print, tell } from './output.js';
import { watchSignals } from './signals.js';
import { SweepBar } from './sweep-bar.js';
import type { SweepOutcome } from './sweep.js';
import { look, type Standing } from './sweep-plan.js';

interface LocalRequest {
  /** Of the sweep. */
  readonly folder: string;
  readonly plan: SweepPlan;
  /** The points chosen. */
  readonly standings: readonly Standing[];
  readonly jobs: number;
  readonly quiet: boolean;
}

/**
 * Runs what is to run; then those that another process was at work on, if it has left them: that of
 * a sweep that was killed is still saving.
 */
export async function runAll({ standings, ...request }: LocalRequest): Promise<SweepOutcome> {
  const runnable = (of: readonly Standing[]) => of.filter(({ runs }) => runs);
  const outcome = await runHere(request, runnable(standings));
  const busy = standings.filter(({ state }) => state.kind === 'running');
  if (outcome.signal !== null || busy.length === 0) return outcome;
  const now = await look(
    busy.map(({ point }) => point),
    request.folder,
    false,
  );
  const others = now.flatMap(({ point, state }) => {
    if (state.kind === 'running') return { point, reason: 'another process is at work on it' };
    return state.kind === 'invalid' ? { point, reason: state.reason } : [];
  });
  const { failed, signal } = await runHere(request, runnable(now));
  return { failed: [...outcome.failed, ...failed, ...others], signal };
}

/** Runs `toRun`; what fails is told, and stops nothing else. */
async function runHere(
  { folder, plan, jobs, quiet }: Omit<LocalRequest, 'standings'>,
  toRun: readonly Standing[],
): Promise<SweepOutcome> {
  await makeFolders(folder);
  const lock = await acquireLock(join(folder, '.fsam-sweep-lock'));
  let pool: Pool | null = null;
  const bar = !quiet && process.stderr.isTTY ? new SweepBar(process.stderr, toRun.length) : null;
  const line = (write: () => void): void => (bar === null ? write() : bar.above(write));
  const watch = watchSignals((signal) => {
    const note = 'every running point finishes its step and saves; a second Ctrl-C leaves at once';
    line(() => tell(`${signal}: ${note}`));
    pool?.stop();
  });
  const failed: { point: Point; reason: string }[] = [];
  const stopped: { point: Point; signal: StopSignal }[] = [];
  let ended = 0;
  try {
    await writePlan(folder, plan);
    bar?.show();
    pool = startPool({
      sweepFolder: folder,
      workingFolder: plan.workingFolder ?? process.cwd(),
      points: toRun.map(({ point, overwrites }) => ({ point, overwrites })),
      jobs: Math.min(jobs, toRun.length),
      threads: plan.threads,
      interruption: watch.interruption,
      ended: async (point, ending, seconds) => {
        ended++;
        bar?.pointDone();
        if (ending.kind === 'failed') failed.push({ point, reason: ending.reason });
        if (ending.kind === 'interrupted') stopped.push({ point, signal: ending.signal });
        if (ending.kind === 'failed' && ending.killed) {
          await writeFailure(join(folder, point.name), ending.reason, ending.exitCode);
        }
        const how = await describeEnding(join(folder, point.name), ending);
        const told = `[${ended}/${toRun.length}] ${point.name}  ${how}  ${duration(seconds)}`;
        if (!quiet) line(() => print(told));
      },
    });
    await pool.finished;
  } finally {
    bar?.hide();
    watch.release();
    await lock.release();
  }
  const { signal } = watch.interruption;
  // Nobody stopped the sweep, so that these points are missing in it.
  const missing = stopped.map((one) => ({
    point: one.point,
    reason: `got ${one.signal} from outside and left, unfinished`,
  }));
  return { failed: signal === null ? [...failed, ...missing] : failed, signal };
}

async function describeEnding(folder: string, ending: Ending): Promise<string> {
  switch (ending.kind) {
    case 'interrupted':
      return `interrupted by ${ending.signal}`;
    case 'failed':
      return `failed: ${ending.reason}`;
    case 'done': {
      const { last, best } = await readSummary(runFolder(folder).summary);
      const percent = (row: typeof last) => row.test_accuracy.toFixed(2);
      return `test accuracy ${percent(last)} %, best ${percent(best)} %`;
    }
    default:
      return ending satisfies never;
  }
}
