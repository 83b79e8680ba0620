// One point of a started sweep, in this process: what the pool and Slurm's tasks start.
import { join } from 'node:path';
import type { Config } from '../catalogue/schema.js';
import { UserError } from '../util/errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import { readPlan } from './plan-file.js';
import { isValid, type Point } from './points.js';
import { STOP } from './pool.js';
import { clearFailure, stateOf, writeFailure } from './state.js';
import { readSubmission } from './submission.js';

/** A point as it is to run. */
export interface SinglePoint {
  readonly config: Config;
  /** Its own. */
  readonly folder: string;
  readonly threads: number;
  readonly overwrite: boolean;
}

/**
 * The point `name` of the sweep in `folder`, as its sweep.json has it.
 *
 * @param threads null: as many as the sweep gives each.
 */
export async function plannedPoint(
  folder: string,
  name: string,
  threads: number | null,
  overwrite: boolean,
): Promise<SinglePoint> {
  const plan = await readPlan(folder);
  if (plan === null) {
    throw new UserError(`${folder}: holds no sweep; start one with fsam sweep --config`);
  }
  const point = plan.points.find((one) => one.name === name);
  if (point === undefined) {
    throw new UserError(`--point ${name}: the sweep in ${folder} has no point of this name`);
  }
  if (!isValid(point)) throw new UserError(mistakesOf(point));
  const { config } = point;
  return { config, folder: join(folder, name), threads: threads ?? plan.threads, overwrite };
}

const mistakesOf = ({ config }: Point): string => ('mistakes' in config ? config.mistakes : '');

/** The point of a task, as it was submitted; `array`: path of the submission. */
export async function submittedPoint(
  folder: string,
  array: string,
  number: number,
): Promise<SinglePoint> {
  const { tasks, threads } = await readSubmission(array);
  const task = tasks[number - 1];
  if (task === undefined) {
    throw new UserError(`--task ${number}: ${array} has tasks 1 to ${tasks.length}`);
  }
  const { name, config, overwrites } = task;
  const own = join(folder, name);
  // Anew only once: what it has begun goes on when Slurm starts the task again.
  const state = await stateOf({ number, name, values: {}, choices: {}, config }, own);
  return { config, folder: own, threads, overwrite: overwrites && state.kind === 'invalid' };
}

/** What is left in the folder of a point that failed. */
export interface Failure {
  readonly reason: string;
  readonly exitCode: number;
}

/**
 * Runs a point in its `folder`, and leaves there why it fails, for the next look at the sweep.
 *
 * @param failureOf null where a run has left unfinished without having failed.
 */
export async function recordFailure(
  folder: string,
  run: () => Promise<void>,
  failureOf: (error: unknown) => Failure | null,
): Promise<void> {
  try {
    await run();
    await clearFailure(folder);
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== null) await writeFailure(folder, failure.reason, failure.exitCode);
    throw error;
  } finally {
    if (process.connected) process.disconnect();
  }
}

/** Heeds the pool that started this process, where one did. */
export function heedPool(interrupt: (signal: StopSignal) => void): void {
  // A pool that is gone cannot tell any more; it may have gone before we could listen.
  process.on('disconnect', () => interrupt('SIGTERM'));
  if (process.send !== undefined && !process.connected) interrupt('SIGTERM');
  process.on('message', (message) => {
    if (message === STOP) interrupt('SIGTERM');
  });
}
