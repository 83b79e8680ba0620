// The door of this folder: a sweep from its file to its points, looked at, run here, or submitted to Slurm.
import { availableParallelism } from 'node:os';
import { UserError } from '../util/errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import { runAll, type FailedPoint, type WatchSignals } from './local.js';
import { openSweep, type OpenRequest, type OpenSweep } from './open.js';
import { expectedTime, keptThreads, type AskEstimate } from './outlook.js';
import { refuseOthersOverview } from './overview.js';
import type { SweepPlan } from './plan-file.js';
import { queuedPoints, type QueuedPoint } from './queue.js';
import type { SweepReporter } from './reporter.js';
import type { SlurmOptions } from './slurm.js';
import { look, toRun, type Standing } from './standing.js';
import { scriptToSubmit, submitPoints } from './submit.js';

interface StartRequest extends OpenRequest {
  /** Whether points start anew whose folders hold other runs. */
  readonly overwrite: boolean;
  /** Of each point; null for the usual number. */
  readonly threads: number | null;
  /** Only tells what would be done. */
  readonly dryRun: boolean;
}

interface RunRequest extends StartRequest {
  /** Points at a time. */
  readonly jobs: number;
  /** Whether to look for what is only worth telling: threads that points keep, and the time. */
  readonly outlook: boolean;
  /** Whether that has a few steps timed. */
  readonly estimate: boolean;
}

/** What the command line lends a sweep that runs here. */
export interface Surroundings {
  readonly reporter: SweepReporter;
  readonly watchSignals: WatchSignals;
  readonly askEstimate: AskEstimate;
}

export interface SweepOutcome {
  readonly folder: string;
  /** How many were chosen. */
  readonly points: number;
  /** Those that cannot run as they are, then those that this command leaves unfinished. */
  readonly failed: readonly FailedPoint[];
  readonly signal: StopSignal | null;
}

/** Tells how far the points are, and does nothing. */
export async function tellStandings(
  request: OpenRequest & { readonly overwrite: boolean },
  reporter: SweepReporter,
): Promise<void> {
  const { name, folder, chosen } = await openSweep(request, reporter);
  const standings = await look(chosen, folder, request.overwrite);
  reporter.standings({ name, folder, standings, queued: await queueOf(folder, reporter) });
}

/** Where Slurm cannot be asked the rest is told all the same: the folder may be a copy. */
async function queueOf(
  folder: string,
  reporter: SweepReporter,
): Promise<ReadonlyMap<string, QueuedPoint>> {
  try {
    return await queuedPoints(folder);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    reporter.queueUnknown(error.message);
    return new Map();
  }
}

/**
 * 1. Read the file, look into the points' folders, refuse what would do harm. 2. Tell what to
 * expect. 3. Run the points that are not done.
 *
 * @returns null for a dry run.
 */
export async function runSweep(
  request: RunRequest,
  { reporter, watchSignals, askEstimate }: Surroundings,
): Promise<SweepOutcome | null> {
  const { jobs, dryRun } = request;
  const share = Math.max(1, Math.floor(availableParallelism() / jobs));
  const { folder, plan, standings, workingFolder } = await prepare(request, share, reporter);
  const going = toRun(standings);
  const { threads } = plan;
  if (request.outlook) {
    const kept = await keptThreads(going, folder, threads);
    if (kept.length > 0) reporter.keptThreads(threads, kept);
    if (request.estimate && going.length > 0) {
      const sharing = { jobs, threads, workingFolder };
      reporter.expectedTime(await expectedTime(going, sharing, askEstimate));
    }
  }
  if (dryRun) return null;
  const outcome = await runAll({ folder, plan, standings, jobs }, reporter, watchSignals);
  const invalid = standings.flatMap(({ point, state }) =>
    state.kind === 'invalid' ? [{ point, reason: state.reason }] : [],
  );
  const failed = [...invalid, ...outcome.failed];
  return { folder, points: standings.length, failed, signal: outcome.signal };
}

/** As runSweep, but the points become tasks of Slurm's, one thread each where none are asked for. */
export async function submitSweep(
  request: StartRequest & { readonly options: SlurmOptions },
  reporter: SweepReporter,
): Promise<void> {
  const prepared = { ...(await prepare(request, 1, reporter)), options: request.options };
  if (!request.dryRun) return submitPoints(prepared, reporter);
  const script = await scriptToSubmit(prepared);
  if (script !== null) reporter.script(script);
}

interface Prepared extends Pick<OpenSweep, 'folder' | 'workingFolder'> {
  readonly plan: SweepPlan;
  /** The points chosen. */
  readonly standings: readonly Standing[];
}

async function prepare(
  request: StartRequest,
  usualThreads: number,
  reporter: SweepReporter,
): Promise<Prepared> {
  const opened = await openSweep(request, reporter);
  const { name, source, folder, workingFolder, points, chosen } = opened;
  const standings = await look(chosen, folder, request.overwrite);
  reporter.standings({ name, folder, standings, queued: new Map() });
  await refuseOthersOverview(folder);
  const threads = request.threads ?? usualThreads;
  return {
    folder,
    workingFolder,
    plan: { name, source, threads, points, workingFolder },
    standings,
  };
}
