// fsam sweep: many runs from one file, here or on a Slurm cluster.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import type { Mistake } from '../config/mistakes.js';
import type { Point } from '../sweep/points.js';
import { counted } from '../util/counted.js';
import { RunError, UserError } from '../util/errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import { addConfigOptions, collect, configRequest, type ConfigOptions } from './config-options.js';
import { Interrupted } from './failure.js';
import { print, tell } from './output.js';
import type { Standing } from './sweep-plan.js';
import type { QueuedPoint } from './sweep-slurm.js';
import { threadNumber, wholeNumber } from './whole-number.js';
import { addSlurmOptions, type SlurmFlags } from './slurm-options.js';

interface SweepOptions extends ConfigOptions, SlurmFlags {
  readonly out?: string;
  readonly jobs?: number;
  readonly threads?: number;
  readonly filter?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly overwrite?: boolean;
  readonly estimate: boolean;
  readonly launcher: 'local' | 'slurm';
  readonly status?: boolean;
  readonly point?: string;
  readonly array?: string;
  readonly task?: number;
  readonly quiet?: boolean;
}

/** More points than this are not started by mistake. */
const MANY_POINTS = 1000;

const HELP = `
Points that are done are skipped, unfinished ones go on, failed ones are tried again: the same command after any
interruption. Ctrl-C makes every running point save and leave. Exit code 1: a point failed.
A file under configs/sweeps/ shows how a sweep is written; fsam report makes tables and figures of it.`;

export function registerSweep(program: Command): void {
  const count = wholeNumber(6);
  const command = program.command('sweep').description('Runs every point of a sweep file.');
  addConfigOptions(command, 'sweep')
    .option('--out <folder>', 'the folder of the sweep (default: results/NAME)')
    .option('--jobs <n>', 'points at a time; they share the cores (default: 1; slurm: any)', count)
    .option('--threads <n>', 'threads of each (default: cores / jobs; slurm: 1)', threadNumber)
    .option('--filter <key=value>', 'only points with this value (repeatable)', collect)
    .option('--dry-run', 'print the plan, and do nothing')
    .option('--no-estimate', 'do not time a few steps first')
    .option('--yes', `start more than ${MANY_POINTS} points`)
    .option('--overwrite', 'start points anew whose folders hold runs of another configuration')
    .addOption(
      new Option('--launcher <launcher>', 'what runs the points')
        .choices(['local', 'slurm'])
        .default('local'),
    )
    .option('--status', 'print how far each point is, and do nothing')
    .option('--quiet', 'print nothing but errors')
    .addOption(new Option('--point <name>').hideHelp())
    .addOption(new Option('--array <file>').hideHelp())
    .addOption(new Option('--task <n>').argParser(count).hideHelp())
    .addHelpText('after', HELP)
    .action(sweep);
  addSlurmOptions(command, count);
}

async function sweep(options: SweepOptions): Promise<void> {
  if (options.out === '') throw new UserError('--out: got an empty name, wanted a folder');
  if (options.point !== undefined || options.array !== undefined) return pointAlone(options);
  const { source, folder, working, points, chosen, name } = await readPoints(options);
  const { look, planLines } = await import('./sweep-plan.js');
  const { jobs = 1, launcher, quiet = false, dryRun = false } = options;
  const share = launcher === 'slurm' ? 1 : Math.max(1, Math.floor(availableParallelism() / jobs));
  const threads = options.threads ?? share;
  const standings = await look(chosen, folder, options.overwrite === true);
  const queued = options.status === true ? await queueOf(folder) : new Map<string, QueuedPoint>();
  if (!quiet) for (const line of planLines(name, folder, standings, queued)) print(line);
  if (options.status === true) return;
  const { refuseOthersSummary } = await import('./sweep-summary.js');
  await refuseOthersSummary(folder);

  const toRun = standings.filter(({ runs }) => runs);
  const plan = { name, source, threads, points, workingFolder: working.path };
  if (launcher === 'slurm') {
    const { submitPoints } = await import('./sweep-slurm.js');
    await submitPoints({
      ...options,
      folder,
      plan,
      standings,
      dryRun,
      maxRunning: options.jobs ?? null,
    });
    return;
  }
  if (!quiet) {
    const { threadsKept } = await import('./sweep-plan.js');
    for (const line of await threadsKept(toRun, folder, threads)) print(line);
  }
  if (options.estimate && toRun.length > 0 && !quiet) {
    const { expectedTime } = await import('./sweep-plan.js');
    print(await expectedTime(toRun, { jobs, threads, workingFolder: working.path }));
  }
  if (dryRun) return;
  const { runAll } = await import('./sweep-local.js');
  const outcome = await runAll({ folder, plan, standings, jobs, quiet });
  await conclude(folder, standings, outcome, quiet);
}

/** For --status, which tells the rest, too, where Slurm cannot be asked: the folder may be a copy. */
async function queueOf(folder: string): Promise<ReadonlyMap<string, QueuedPoint>> {
  const { queuedPoints } = await import('./sweep-slurm.js');
  try {
    return await queuedPoints(folder);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    tell(`the queue is not known: ${error.message}`);
    return new Map();
  }
}

/** What launchers call. */
async function pointAlone(options: SweepOptions): Promise<void> {
  const { runPoint, runTask } = await import('./sweep-point.js');
  const { out: folder, point, array, task = 0 } = options;
  const { threads = null, overwrite = false, quiet = false } = options;
  if (folder === undefined) {
    throw new UserError('--point, --array: wanted --out, the folder of the sweep');
  }
  if (array !== undefined) await runTask({ folder, array, number: task, quiet });
  else if (point !== undefined) {
    await runPoint({ folder, name: point, threads, overwrite, quiet });
  }
}

/** The points of the file, and those of them that the filters leave; the sweep's folder, and where it began. */
async function readPoints(options: SweepOptions) {
  const { config: source, assignments, overrides } = configRequest(options, 'sweep');
  const { loadSweep } = await import('../sweep/load.js');
  const { countPoints, expand, isValid } = await import('../sweep/points.js');
  const { selectPoints } = await import('../sweep/select.js');
  const { readOverlays } = await import('../config/overrides.js');
  const { render } = await import('../config/mistakes.js');
  const mistakes: Mistake[] = [];
  const overlays = readOverlays({ assignments, overrides }, mistakes);
  if (mistakes.length > 0) throw new UserError(render(mistakes));
  const file = loadSweep(source);
  const count = countPoints(file);
  if (count > MANY_POINTS && options.yes !== true) {
    throw new UserError(
      `${source}: has ${count.toLocaleString('en')} points; to start more than ${MANY_POINTS}, say --yes`,
    );
  }
  const folder = options.out ?? join('results', file.name);
  const { readPlan } = await import('../sweep/plan-file.js');
  const { noteOnGone, recordedFolder } = await import('../experiment/working-folder.js');
  // Refuses a sweep.json that is not ours: its content tells whose it is.
  const working = recordedFolder((await readPlan(folder))?.workingFolder ?? null);
  const points = expand(file, overlays, working.path);
  const chosen = selectPoints(points, options.filter ?? []);
  const gone = points.flatMap((point) =>
    isValid(point) ? [noteOnGone(working, point.config)] : [],
  );
  for (const note of new Set(gone)) if (note !== null) tell(note);
  return { source, name: file.name, folder, working, points, chosen };
}

export interface SweepOutcome {
  /** Points that this call leaves unfinished, with their reasons. */
  readonly failed: readonly { readonly point: Point; readonly reason: string }[];
  readonly signal: StopSignal | null;
}

/** The table over all points that are done, and what is missing in it. */
async function conclude(
  folder: string,
  standings: readonly Standing[],
  { failed, signal }: SweepOutcome,
  quiet: boolean,
): Promise<void> {
  const { writeSummary } = await import('./sweep-summary.js');
  const { lines, damaged } = await writeSummary(folder);
  if (!quiet) for (const line of lines) print(line);
  const invalid = standings.flatMap(({ point, state }) =>
    state.kind === 'invalid' ? [{ point, reason: state.reason }] : [],
  );
  const all = [...invalid, ...failed];
  for (const { point, reason } of all)
    tell(`failed: ${point.name}: ${reason.split('\n').join('; ')}`);
  if (signal !== null) throw new Interrupted(signal, 'the same command goes on');
  if (all.length > 0) {
    const names = `${all.length} of ${counted(standings.length, 'point')}`;
    throw new RunError(`${names} failed (see above); the same command tries them again`);
  }
  const { refuseDamaged } = await import('./make-report.js');
  refuseDamaged(damaged);
}
