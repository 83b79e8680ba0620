// Points of a sweep whose tasks are in Slurm's queue.
import { differences as differencesOf, EVERY_ROLE } from '../catalogue/identity.js';
import { counted } from '../util/counted.js';
import { UserError } from '../util/errors.js';
import { isValid } from './points.js';
import { queuedTasks, type QueuedTask } from './slurm.js';
import type { Standing } from './standing.js';
import { openSubmissions, writeSubmission, type Task } from './submission.js';

/** A point whose task waits or runs, as it was submitted. */
export interface QueuedPoint extends QueuedTask {
  readonly array: string;
  /** Within the array. */
  readonly number: number;
  readonly task: Task;
}

/** The points of the sweep in `folder` whose tasks wait or run, by name. */
export async function queuedPoints(folder: string): Promise<ReadonlyMap<string, QueuedPoint>> {
  const points = new Map<string, QueuedPoint>();
  for (const { array, tasks } of (await openSubmissions(folder)).values()) {
    if (array === null) continue;
    for (const [number, queued] of await queuedTasks(array)) {
      const task = tasks[number - 1];
      if (task !== undefined) points.set(task.name, { ...queued, array, number, task });
    }
  }
  return points;
}

/** Submissions without a task in the queue are not asked for again. */
export async function closeEnded(
  folder: string,
  queued: ReadonlyMap<string, QueuedPoint>,
): Promise<void> {
  const living = new Set([...queued.values()].map(({ array }) => array));
  for (const [path, submission] of await openSubmissions(folder)) {
    if (submission.array !== null && living.has(submission.array)) continue;
    await writeSubmission(path, { ...submission, ended: true });
  }
}

/**
 * A task runs what it was submitted as.
 *
 * @throws UserError with a line for each array that has others than are wanted now.
 */
export function refuseChanged(
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
