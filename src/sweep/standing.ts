// How far the points of a sweep are, and what a command does about each.
import { join } from 'node:path';
import { isValid, type Point } from './points.js';
import { stateOf, type PointState } from './state.js';

/** A point, how far it is, and what this command does about it. */
export interface Standing {
  readonly point: Point;
  readonly state: PointState;
  readonly runs: boolean;
  /** Whether it starts anew in a folder that holds another run. */
  readonly overwrites: boolean;
}

/** Looks, and writes nothing. `folder`: that of the sweep. */
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

export const toRun = (standings: readonly Standing[]): Standing[] =>
  standings.filter(({ runs }) => runs);
