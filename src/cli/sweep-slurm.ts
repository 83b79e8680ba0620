// The points of a sweep on a Slurm cluster: arrays of tasks, and what the queue says of them.
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { differences as differencesOf, EVERY_ROLE } from '../catalogue/identity.js';
import { writePlan, type SweepPlan } from '../sweep/plan-file.js';
import { isValid } from '../sweep/points.js';
import { COMMAND } from '../sweep/pool.js';
import type { QueuedTask, SlurmOptions } from '../sweep/slurm.js';
import {
  freePaths,
  openSubmissions,
  slurmFolder,
  writeSubmission,
  type Submission,
  type Task,
} from '../sweep/submission.js';
import { counted } from '../util/counted.js';
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
  /** The points chosen. */
  readonly standings: readonly Standing[];
  /** Tasks at a time; null for no limit. */
  readonly maxRunning: number | null;
  readonly dryRun: boolean;
}

/** A point whose task waits or runs, as it was submitted. */
export interface QueuedPoint extends QueuedTask {
  readonly array: string;
  /** Within the array. */
  readonly number: number;
  readonly task: Task;
}

/** Submits what is to run and not in the queue; with `dryRun` prints the script instead. */
export async function submitPoints(request: SlurmRequest): Promise<void> {
  const { folder, plan, standings, dryRun } = request;
  const { tasksInArray } = await import('../sweep/slurm.js');
  const tasks = standings.flatMap(({ point, runs, overwrites }) =>
    runs && isValid(point) ? [{ name: point.name, config: point.config, overwrites }] : [],
  );
  if (dryRun) {
    if (tasks.length === 0) return;
    const { array } = await freePaths(folder);
    print(`\n${await scriptOf(request, array, tasks.length)}`);
    return;
  }
  await makeFolders(slurmFolder(folder));
  const lock = await acquireLock(join(folder, '.fsam-sweep-lock'));
  try {
    const queued = await queuedPoints(folder);
    await closeEnded(folder, queued);
    refuseChanged(folder, standings, queued);
    const waiting = tasks.filter(({ name }) => !queued.has(name));
    if (waiting.length === 0) {
      print('nothing to submit: every point is done, invalid or in the queue');
      return;
    }
    await writePlan(folder, plan);
    const size = await tasksInArray();
    let after: string | null = null;
    for (let first = 0; first < waiting.length; first += size) {
      const part = waiting.slice(first, first + size);
      // Slurm limits the tasks at a time within an array, so that arrays wait for each other.
      after = await submitArray(request, part, request.maxRunning === null ? null : after);
    }
    print('fsam sweep --status with the same file tells how far they are');
  } finally {
    await lock.release();
  }
}

/** Returns the id of the array. */
async function submitArray(
  request: SlurmRequest,
  tasks: readonly Task[],
  after: string | null,
): Promise<string> {
  const { folder, plan } = request;
  const { submit } = await import('../sweep/slurm.js');
  const paths = await freePaths(folder);
  const submission: Submission = {
    array: null,
    ended: false,
    threads: plan.threads,
    tasks: [...tasks],
  };
  await writeSubmission(paths.array, submission);
  let array: string;
  try {
    array = await submit(await scriptOf(request, paths.array, tasks.length), paths.script, after);
  } catch (error) {
    for (const path of [paths.array, paths.script]) await rm(path, { force: true });
    throw error;
  }
  await writeSubmission(paths.array, { ...submission, array });
  const logs = `logs in ${resolve(slurmFolder(folder))}`;
  print(`submitted array ${array}: ${counted(tasks.length, 'task')}; ${logs}`);
  return array;
}

async function scriptOf(request: SlurmRequest, array: string, tasks: number): Promise<string> {
  const { sbatchScript } = await import('../sweep/slurm.js');
  const { folder, plan } = request;
  return sbatchScript({
    name: plan.name,
    tasks,
    threads: plan.threads,
    command: [COMMAND, 'sweep', '--out', resolve(folder), '--quiet', '--array', resolve(array)],
    workingFolder: plan.workingFolder ?? process.cwd(),
    logFolder: resolve(slurmFolder(folder)),
    options: slurmOptions(request),
  });
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

/** The points of the sweep in `folder` whose tasks wait or run, by name. */
export async function queuedPoints(folder: string): Promise<ReadonlyMap<string, QueuedPoint>> {
  const points = new Map<string, QueuedPoint>();
  for (const { array, tasks } of (await openSubmissions(folder)).values()) {
    if (array === null) continue;
    const { queuedTasks } = await import('../sweep/slurm.js');
    for (const [number, queued] of await queuedTasks(array)) {
      const task = tasks[number - 1];
      if (task !== undefined) points.set(task.name, { ...queued, array, number, task });
    }
  }
  return points;
}

/** Submissions without a task in the queue are not asked for again. */
async function closeEnded(folder: string, queued: ReadonlyMap<string, QueuedPoint>): Promise<void> {
  const living = new Set([...queued.values()].map(({ array }) => array));
  for (const [path, submission] of await openSubmissions(folder)) {
    if (submission.array !== null && living.has(submission.array)) continue;
    await writeSubmission(path, { ...submission, ended: true });
  }
}

/** A task runs what it was submitted as; a line for each array that has others than are wanted now. */
function refuseChanged(
  folder: string,
  standings: readonly Standing[],
  queued: ReadonlyMap<string, QueuedPoint>,
): void {
  const changed = new Map<string, string[]>();
  for (const { point } of standings) {
    const waiting = queued.get(point.name);
    if (waiting === undefined || !isValid(point)) continue;
    const differences = differencesOf(waiting.task.config, point.config, EVERY_ROLE);
    if (differences.length === 0) continue;
    const { array, number } = waiting;
    const line = `${array}_${number}, ${point.name}: ${differences.join('; ')}`;
    changed.set(array, [...(changed.get(array) ?? []), line]);
  }
  if (changed.size === 0) return;
  const lines = [...changed].map(
    ([array, tasks]) =>
      `${folder}: ${counted(tasks.length, 'task')} of array ${array} in the queue ` +
      `${tasks.length === 1 ? 'is' : 'are'} for another configuration (${tasks[0] ?? ''}); ` +
      `wait for the array, or cancel it with scancel ${array} and submit again`,
  );
  throw new UserError(lines.join('\n'));
}
