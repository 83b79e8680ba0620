// The points of a sweep on a Slurm cluster: an array of tasks, and what the queue says of them.
import { join, resolve } from 'node:path';
import { writePlan, type SweepPlan } from '../sweep/plan-file.js';
import { COMMAND } from '../sweep/pool.js';
import type { QueuedTask, SlurmOptions } from '../sweep/slurm.js';
import { UserError } from '../util/errors.js';
import { makeFolders } from '../util/folders.js';
import { acquireLock } from '../util/lock.js';
import { print } from './output.js';
import type { SlurmFlags } from './slurm-options.js';
import type { Standing } from './sweep-plan.js';

interface SlurmRequest extends SlurmFlags {
  /** Of the sweep. */
  readonly folder: string;
  readonly plan: SweepPlan;
  /** The plan that the folder has; null where it has none. */
  readonly before: SweepPlan | null;
  readonly toRun: readonly Standing[];
  /** Tasks at a time; null for no limit. */
  readonly maxRunning: number | null;
  readonly dryRun: boolean;
}

/** Submits what is to run and not in the queue; with `dryRun` prints the script instead. */
export async function submitPoints(request: SlurmRequest): Promise<void> {
  const { folder, plan, toRun, dryRun } = request;
  const before = dryRun ? null : request.before;
  const { sbatchScript, submit } = await import('../sweep/slurm.js');
  const queued = await tasksOf(before);
  if (before !== null) refuseRenumbering(folder, before, plan, queued);
  const points = toRun.map(({ point }) => point.number).filter((number) => !queued.has(number));
  if (points.length === 0) {
    print('nothing to submit: every point is done, invalid or in the queue');
    return;
  }
  const logFolder = resolve(folder, 'slurm');
  const script = sbatchScript({
    name: plan.name,
    points,
    threads: plan.threads,
    command: [COMMAND, 'sweep', '--out', resolve(folder), '--quiet'],
    workingFolder: process.cwd(),
    logFolder,
    options: slurmOptions(request),
  });
  if (dryRun) {
    print(`\n${script}`);
    return;
  }
  await makeFolders(logFolder);
  const lock = await acquireLock(join(folder, '.fsam-sweep-lock'));
  try {
    const earlier = new Set([...queued.values()].map(({ array }) => array));
    const known = { ...plan, arrays: [...earlier] };
    await writePlan(folder, known);
    const array = await submit(script, join(logFolder, 'array.sh'));
    await writePlan(folder, { ...known, arrays: [...earlier, array] });
    print(`submitted array ${array}: ${points.length} tasks; logs in ${logFolder}`);
    print('fsam sweep --status with the same file tells how far they are');
  } finally {
    await lock.release();
  }
}

function slurmOptions(request: SlurmRequest): SlurmOptions {
  return {
    partition: request['slurm.partition'] ?? null,
    time: request['slurm.time'] ?? null,
    mem: request['slurm.mem'] ?? null,
    gpus: request['slurm.gpus'] ?? null,
    account: request['slurm.account'] ?? null,
    qos: request['slurm.qos'] ?? null,
    constraint: request['slurm.constraint'] ?? null,
    maxRunning: request.maxRunning,
    signalSeconds: request['slurm.signalSeconds'],
  };
}

/** The tasks of a sweep that wait or run; none where it was never submitted. */
export async function tasksOf(plan: SweepPlan | null): Promise<ReadonlyMap<number, QueuedTask>> {
  if (plan === null || plan.arrays.length === 0) return new Map();
  const { queuedTasks } = await import('../sweep/slurm.js');
  return queuedTasks(plan.arrays);
}

/** A task that waits knows its point by number only. */
function refuseRenumbering(
  folder: string,
  before: SweepPlan,
  plan: SweepPlan,
  queued: ReadonlyMap<number, QueuedTask>,
): void {
  for (const [number, { array }] of queued) {
    const name = ({ points }: SweepPlan) => points.find((point) => point.number === number)?.name;
    if (name(before) === name(plan)) continue;
    throw new UserError(
      `${folder}: task ${array}_${number} is in the queue for ${name(before) ?? 'a point'}, which has another number now; ` +
        `wait for it, or cancel it with scancel ${array}`,
    );
  }
}
