// fsam sweep over all points of a file: what the options ask for, and how it ended.
import type { AskEstimate } from '../sweep/outlook.js';
import { runSweep, submitSweep, tellStandings, type SweepOutcome } from '../sweep/sweep.js';
import { counted } from '../util/counted.js';
import { RunError, UserError } from '../util/errors.js';
import { configRequest } from './config-options.js';
import { Interrupted } from './failure.js';
import { print, tell } from './output.js';
import { refuseDamaged } from './make-report.js';
import { watchSignals } from './signals.js';
import { slurmOptions } from './slurm-options.js';
import { MANY_POINTS, type SweepOptions } from './sweep-options.js';
import { overviewOf } from './sweep-overview.js';
import { MOST_TASKS } from './slurm-place.js';
import { createSweepReporter } from './sweep-reporter.js';
import { askWorker } from './worker.js';

export async function runPoints(options: SweepOptions): Promise<void> {
  const { jobs, threads = null, launcher, quiet = false, estimate } = options;
  const { dryRun = false, overwrite = false } = options;
  const reporter = createSweepReporter(quiet);
  const named = {
    ...configRequest(options, 'sweep'),
    folder: options.out ?? null,
    filters: options.filter ?? [],
    mostPoints: options.yes === true ? null : MANY_POINTS,
    overwrite,
  };
  if (options.status === true) return tellStandings(named, reporter);
  const start = { ...named, threads, dryRun };
  refuseProcesses(options);
  if (launcher === 'slurm') {
    return submitSweep({ ...start, options: slurmOptions(options, jobs ?? null) }, reporter);
  }
  const outcome = await runSweep(
    { ...start, jobs: jobs ?? 1, outlook: !quiet, estimate },
    { reporter, watchSignals, askEstimate },
  );
  if (outcome !== null) await conclude(outcome, quiet);
}

function refuseProcesses({
  launcher,
  'slurm.nodes': nodes,
  'slurm.processesPerNode': perNode,
}: SweepOptions): void {
  if (launcher === 'local' && nodes * perNode > 1) {
    throw new UserError(
      '--slurm.nodes, --slurm.processes-per-node: got several processes without Slurm, wanted --launcher slurm',
    );
  }
  if (perNode > MOST_TASKS) {
    throw new UserError(`--slurm.processes-per-node: got ${perNode}, wanted ${MOST_TASKS} at most`);
  }
}

const askEstimate: AskEstimate = (job) =>
  askWorker(new URL('./sweep-estimate-worker.js', import.meta.url), job, () => ({
    problem: 'the steps to be timed failed',
  }));

/** The overview of all points that are done, and what is missing in it. */
async function conclude(
  { folder, points, failed, signal }: SweepOutcome,
  quiet: boolean,
): Promise<void> {
  const { lines, damaged } = await overviewOf(folder);
  if (!quiet) for (const line of lines) print(line);
  for (const { point, reason } of failed) {
    tell(`failed: ${point.name}: ${reason.split('\n').join('; ')}`);
  }
  if (signal !== null) throw new Interrupted(signal, 'the same command goes on');
  if (failed.length > 0) {
    const names = `${failed.length} of ${counted(points, 'point')}`;
    throw new RunError(`${names} failed (see above); the same command tries them again`);
  }
  refuseDamaged(damaged);
}
