// One point of a started sweep, in this process: what launchers call.
import { join } from 'node:path';
import type { Point } from '../sweep/points.js';
import { STOP } from '../sweep/pool.js';
import { UserError } from '../util/errors.js';
import { execute } from './execute.js';
import { describeFailure, Interrupted } from './failure.js';

interface LaunchRequest {
  /** Of the sweep. */
  readonly folder: string;
  readonly quiet: boolean;
}

interface PointRequest extends LaunchRequest {
  readonly name: string;
  readonly threads: number | null;
  readonly overwrite: boolean;
}

/** fsam sweep --point NAME: a point of the folder's sweep.json. */
export async function runPoint({ folder, name, ...options }: PointRequest): Promise<void> {
  const { readPlan } = await import('../sweep/plan-file.js');
  const plan = await readPlan(folder);
  if (plan === null) {
    throw new UserError(`${folder}: holds no sweep; start one with fsam sweep --config`);
  }
  const point = plan.points.find((one) => one.name === name);
  if (point === undefined) {
    throw new UserError(`--point ${name}: the sweep in ${folder} has no point of this name`);
  }
  const { overwrite, quiet } = options;
  await run({ folder, point, threads: options.threads ?? plan.threads, overwrite, quiet });
}

interface TaskRequest extends LaunchRequest {
  /** Path of the submission. */
  readonly array: string;
  readonly number: number;
}

/** fsam sweep --array FILE --task N: a task of a submission, as it was submitted. */
export async function runTask({ folder, array, number, quiet }: TaskRequest): Promise<void> {
  const { readSubmission } = await import('../sweep/submission.js');
  const { stateOf } = await import('../sweep/state.js');
  const { tasks, threads } = await readSubmission(array);
  const task = tasks[number - 1];
  if (task === undefined) {
    throw new UserError(`--task ${number}: ${array} has tasks 1 to ${tasks.length}`);
  }
  const { name, config, overwrites } = task;
  const point: Point = { number, name, values: {}, choices: {}, config };
  // Anew only once: what it has begun goes on when Slurm starts the task again.
  const state = await stateOf(point, join(folder, name));
  const overwrite = overwrites && state.kind === 'invalid';
  await run({ folder, point, threads, overwrite, quiet });
}

interface Run extends LaunchRequest {
  readonly point: Point;
  readonly threads: number;
  readonly overwrite: boolean;
}

/**
 * Starts the point, or goes on with it. Why it fails is left in its folder, for the next look at
 * the sweep.
 */
async function run({ point, threads, overwrite, quiet, ...request }: Run): Promise<void> {
  const { config } = point;
  if ('mistakes' in config) throw new UserError(config.mistakes);
  const folder = join(request.folder, point.name);
  const { clearFailure, writeFailure } = await import('../sweep/state.js');
  try {
    await execute({
      configure: () => Promise.resolve({ config, folder }),
      resume: !overwrite,
      overwrite,
      quiet,
      threads: { count: threads, asked: null },
      wayOut: 'the same command goes on',
      watching: ({ interrupt }) => {
        // A launcher that is gone cannot tell any more; it may have gone before we could listen.
        process.on('disconnect', () => interrupt('SIGTERM'));
        if (process.send !== undefined && !process.connected) interrupt('SIGTERM');
        process.on('message', (message) => {
          if (message === STOP) interrupt('SIGTERM');
        });
      },
    });
    await clearFailure(folder);
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      const { lines, exitCode } = describeFailure(error, false);
      await writeFailure(folder, lines.join('; ').replaceAll('fsam: ', ''), exitCode);
    }
    throw error;
  } finally {
    if (process.connected) process.disconnect();
  }
}
