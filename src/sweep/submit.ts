// The points of a sweep on a Slurm cluster: submitted as arrays of tasks.
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { makeFolders } from '../util/folders.js';
import { lockSweep, writePlan, type SweepPlan } from './plan-file.js';
import { isValid } from './points.js';
import { COMMAND } from './pool.js';
import { closeEnded, queuedPoints, refuseChanged } from './queue.js';
import type { SweepReporter } from './reporter.js';
import { sbatchScript, submit, tasksInArray, type SlurmOptions } from './slurm.js';
import { toRun, type Standing } from './standing.js';
import {
  freePaths,
  slurmFolder,
  writeSubmission,
  type Submission,
  type Task,
} from './submission.js';

interface SubmitRequest {
  /** Of the sweep. */
  readonly folder: string;
  readonly plan: SweepPlan;
  /** The points chosen. */
  readonly standings: readonly Standing[];
  readonly options: SlurmOptions;
}

const tasksOf = (standings: readonly Standing[]): Task[] =>
  toRun(standings).flatMap(({ point, overwrites }) =>
    isValid(point) ? [{ name: point.name, config: point.config, overwrites }] : [],
  );

/** The script of the array that would be submitted if none were in the queue; null where nothing is to run. */
export async function scriptToSubmit(request: SubmitRequest): Promise<string | null> {
  const tasks = tasksOf(request.standings);
  if (tasks.length === 0) return null;
  const { array } = await freePaths(request.folder);
  return scriptOf(request, array, tasks.length);
}

/** Submits what is to run and not in the queue. */
export async function submitPoints(request: SubmitRequest, reporter: SweepReporter): Promise<void> {
  const { folder, plan, standings, options } = request;
  await makeFolders(slurmFolder(folder));
  const lock = await lockSweep(folder);
  try {
    const queued = await queuedPoints(folder);
    await closeEnded(folder, queued);
    refuseChanged(folder, standings, queued);
    const waiting = tasksOf(standings).filter(({ name }) => !queued.has(name));
    if (waiting.length === 0) {
      reporter.nothingToSubmit();
      return;
    }
    await writePlan(folder, plan);
    const size = await tasksInArray();
    let after: string | null = null;
    for (let first = 0; first < waiting.length; first += size) {
      const part = waiting.slice(first, first + size);
      // Slurm limits the tasks at a time within an array, so that arrays wait for each other.
      const array = await submitArray(request, part, options.maxRunning === null ? null : after);
      reporter.arraySubmitted({ array, tasks: part.length, logs: resolve(slurmFolder(folder)) });
      after = array;
    }
    reporter.allSubmitted();
  } finally {
    await lock.release();
  }
}

/** Returns the id of the array. */
async function submitArray(
  request: SubmitRequest,
  tasks: readonly Task[],
  after: string | null,
): Promise<string> {
  const { folder, plan } = request;
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
    array = await submit(scriptOf(request, paths.array, tasks.length), paths.script, after);
  } catch (error) {
    for (const path of [paths.array, paths.script]) await rm(path, { force: true });
    throw error;
  }
  await writeSubmission(paths.array, { ...submission, array });
  return array;
}

function scriptOf({ folder, plan, options }: SubmitRequest, array: string, tasks: number): string {
  return sbatchScript({
    name: plan.name,
    tasks,
    threads: plan.threads,
    command: [COMMAND, 'sweep', '--out', resolve(folder), '--quiet', '--array', resolve(array)],
    workingFolder: plan.workingFolder ?? process.cwd(),
    logFolder: resolve(slurmFolder(folder)),
    options,
  });
}
