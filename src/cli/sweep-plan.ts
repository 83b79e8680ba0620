// The plan of a sweep in words: what is done, what remains, and how long that may take.
import { join } from 'node:path';
import { pathsFrom } from '../config/paths.js';
import { isValid, type Point } from '../sweep/points.js';
import { stateOf, type PointState } from '../sweep/state.js';
import { counted } from '../util/counted.js';
import { duration } from './duration.js';
import type { QueuedPoint } from './sweep-slurm.js';
import type { EstimateAnswer, EstimateJob } from './sweep-estimate-worker.js';
import { askWorker } from './worker.js';

/** A point, how far it is, and what this call does about it. */
export interface Standing {
  readonly point: Point;
  readonly state: PointState;
  readonly runs: boolean;
  /** Whether it starts anew in a folder that holds another run. */
  readonly overwrites: boolean;
}

export async function look(
  points: readonly Point[],
  folder: string,
  overwrite: boolean,
): Promise<Standing[]> {
  return Promise.all(
    points.map(async (point) => {
      const state = await stateOf(point, join(folder, point.name));
      const overwrites = overwrite && isValid(point) && state.kind === 'invalid';
      return overwrites
        ? { point, state: { kind: 'new' as const }, runs: true, overwrites }
        : { point, state, runs: RUNS[state.kind], overwrites };
    }),
  );
}

/** Whether a point in this state is to be run. */
const RUNS: Readonly<Record<PointState['kind'], boolean>> = {
  new: true,
  unfinished: true,
  failed: true,
  done: false,
  running: false,
  invalid: false,
};

/** One line a point, then the sums. */
export function planLines(
  name: string,
  folder: string,
  standings: readonly Standing[],
  queued: ReadonlyMap<string, QueuedPoint>,
): string[] {
  const width = Math.max(...standings.map(({ point }) => point.name.length));
  const counts = new Map<string, number>();
  for (const { state } of standings) counts.set(state.kind, (counts.get(state.kind) ?? 0) + 1);
  const sums = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return [
    `sweep ${name}: ${counted(standings.length, 'point')} in ${folder}: ${sums}`,
    ...standings.map(
      ({ point, state }) =>
        `${String(point.number).padStart(5)}  ${point.name.padEnd(width)}  ${describe(point, state)}${inQueue(queued.get(point.name))}`,
    ),
  ];
}

function inQueue(queued: QueuedPoint | undefined): string {
  if (queued === undefined) return '';
  const { array, number, state, reason } = queued;
  return `, Slurm task ${array}_${number}: ${state}${state === 'PENDING' ? ` (${reason})` : ''}`;
}

function describe(point: Point, state: PointState): string {
  const epochs = isValid(point) ? point.config.epochs : 0;
  switch (state.kind) {
    case 'new':
    case 'done':
      return state.kind;
    case 'unfinished':
    case 'running':
      return `${state.kind}, ${state.epochs} of ${epochs} epochs done`;
    case 'failed':
    case 'invalid':
      return `${state.kind}: ${state.reason.split('\n').join('; ')}`;
    default:
      return state satisfies never;
  }
}

/** A line on points that keep the number of threads that they began with; none where all take `threads`. */
export async function threadsKept(
  toRun: readonly Standing[],
  folder: string,
  threads: number,
): Promise<string[]> {
  const { unfinishedWith } = await import('../experiment/processor.js');
  const { runFolder } = await import('../experiment/folder.js');
  const going = toRun.filter(({ overwrites, state }) => !overwrites && state.kind !== 'new');
  const kept = await Promise.all(
    going.map(async ({ point }) => {
      const begun = await unfinishedWith(runFolder(join(folder, point.name)));
      const other = begun?.threads ?? threads;
      return other === threads ? [] : [`${point.name} ${other}`];
    }),
  );
  const names = kept.flat();
  return names.length === 0
    ? []
    : [
        `${threads} threads a point; those that go on keep what they began with: ${names.join(', ')}`,
      ];
}

/** From a few steps of the first point, timed in a process of its own. */
export async function expectedTime(
  toRun: readonly Standing[],
  {
    jobs,
    threads,
    workingFolder,
  }: { readonly jobs: number; readonly threads: number; readonly workingFolder: string },
): Promise<string> {
  const remaining = toRun.flatMap(({ point, state }) =>
    isValid(point) ? [{ config: point.config, state }] : [],
  );
  const answer = await askWorker<EstimateAnswer>(
    new URL('./sweep-estimate-worker.js', import.meta.url),
    {
      configs: remaining.map(({ config }) => pathsFrom(workingFolder, config)),
      threads,
    } satisfies EstimateJob,
    () => ({ problem: 'the steps to be timed failed' }),
  );
  if ('problem' in answer) return `expected time: not known (${answer.problem})`;
  const left = remaining.map(({ config, state }, i) => {
    const done = 'epochs' in state ? state.epochs / config.epochs : 0;
    return (answer.seconds[i] ?? 0) * (1 - done);
  });
  const all = left.reduce((sum, seconds) => sum + seconds, 0);
  // No job is done before the longest of its points.
  const seconds = Math.max(all / Math.min(jobs, left.length), ...left);
  return `expected time: about ${duration(seconds)} for ${counted(left.length, 'point')}, ${jobs} at a time`;
}
