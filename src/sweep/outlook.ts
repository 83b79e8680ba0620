// What can be said before points run: the threads that some of them keep, and the time that all may take.
import { join } from 'node:path';
import { pathsFrom } from '../config/paths.js';
import { runFolder } from '../experiment/folder.js';
import { unfinishedWith } from '../experiment/processor.js';
import type { EstimateAnswer, EstimateJob } from './estimate.js';
import { isValid } from './points.js';
import type { Standing } from './standing.js';

/** A point that goes on with the number of threads that it began with. */
export interface KeptThreads {
  /** Of the point. */
  readonly name: string;
  readonly threads: number;
}

/** Those of `going` that began with another number than `threads`. `folder`: that of the sweep. */
export async function keptThreads(
  going: readonly Standing[],
  folder: string,
  threads: number,
): Promise<KeptThreads[]> {
  const begun = going.filter(({ overwrites, state }) => !overwrites && state.kind !== 'new');
  const kept = await Promise.all(
    begun.map(async ({ point: { name } }) => {
      const before = await unfinishedWith(runFolder(join(folder, name)));
      const own = before?.threads ?? threads;
      return own === threads ? [] : [{ name, threads: own }];
    }),
  );
  return kept.flat();
}

export type ExpectedTime =
  | { readonly seconds: number; readonly points: number; readonly jobs: number }
  /** Why it is not known. */
  | { readonly problem: string };

/** Does the job in a process of its own: it loads TensorFlow. */
export type AskEstimate = (job: EstimateJob) => Promise<EstimateAnswer>;

/** Of `going`, which are some, from a few steps of the first one. */
export async function expectedTime(
  going: readonly Standing[],
  {
    jobs,
    threads,
    workingFolder,
  }: { readonly jobs: number; readonly threads: number; readonly workingFolder: string },
  ask: AskEstimate,
): Promise<ExpectedTime> {
  const remaining = going.flatMap(({ point, state }) =>
    isValid(point) ? [{ config: point.config, state }] : [],
  );
  const configs = remaining.map(({ config }) => pathsFrom(workingFolder, config));
  const answer = await ask({ configs, threads });
  if ('problem' in answer) return answer;
  const left = remaining.map(({ config, state }, i) => {
    const done = 'epochs' in state ? state.epochs / config.epochs : 0;
    return (answer.seconds[i] ?? 0) * (1 - done);
  });
  const all = left.reduce((sum, seconds) => sum + seconds, 0);
  // No job is done before the longest of its points.
  const seconds = Math.max(all / Math.min(jobs, left.length), ...left);
  return { seconds, points: left.length, jobs };
}
