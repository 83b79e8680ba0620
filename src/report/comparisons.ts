// Differences between optimizers at otherwise equal keys, tested over seeds.
import type { Scores } from '../experiment/summary.js';
import { scoresOf, seedsIn, type Point } from './points.js';
import { holm, mean, pairedTest, welchTest, type TTest } from './statistics.js';

export interface Comparison {
  readonly first: Point;
  readonly second: Point;
  /** What else they differ in, such as rates that belong to the optimizers: `schedule.learningRate 0.05, 0.1`. */
  readonly besides: readonly string[];
  /** Runs of each that are compared: over the seeds that both have, or all of them. */
  readonly n: readonly [number, number];
  /** Seeds of the first and of the second that the other lacks, where they are not compared. */
  readonly leftOut: readonly [readonly number[], readonly number[]];
  /** Of the mean scores of the compared runs, first minus second, in their unit. */
  readonly difference: number;
  /** Null where there is no error bar: one seed, or no spread at all. */
  readonly test: TTest | null;
  /** Of the test's p, for all comparisons of the list together (Holm). */
  readonly adjusted: number | null;
}

const OPTIMIZER = 'optimizer.name';

/** What is tuned for an optimizer, and may differ with it: its own keys, and the rate of learning. */
const goesWithOptimizer = (key: string): boolean =>
  key.startsWith('optimizer.') || key.startsWith('schedule.');

/** Every pair of points that differ in the optimizer, and else in nothing but what goes with it. */
export function compareOptimizers(points: readonly Point[], score: keyof Scores): Comparison[] {
  const pairs = points.flatMap((second, i) =>
    points
      .slice(i + 1)
      .filter((first) => differOnlyInOptimizer(first, second))
      .filter((first) => differing(first, second).every(([key]) => goesWithOptimizer(key)))
      .map((first) => ({ first, second, ...compare(first, second, score) })),
  );
  const adjusted = holm(pairs.flatMap(({ test }) => test?.p ?? []));
  let tested = 0;
  return pairs.map((pair) => ({
    ...pair,
    besides: differing(pair.first, pair.second).map(
      ([key, ours, theirs]) => `${key} ${ours}, ${theirs}`,
    ),
    adjusted: pair.test === null ? null : (adjusted[tested++] ?? null),
  }));
}

function differOnlyInOptimizer(a: Point, b: Point): boolean {
  const shared = [...a.values.keys()].filter((key) => b.values.has(key));
  return (
    shared.every((key) => {
      const equal = JSON.stringify(a.values.get(key)) === JSON.stringify(b.values.get(key));
      return key === OPTIMIZER ? !equal : equal;
    }) && shared.includes(OPTIMIZER)
  );
}

/** Keys that both have, and their values as text where these differ; not the optimizer's name. */
function differing({ details: a }: Point, { details: b }: Point): [string, string, string][] {
  return [...a.keys()]
    .filter((key) => key !== OPTIMIZER && b.has(key))
    .map((key): [string, string, string] => [
      key,
      JSON.stringify(a.get(key)),
      JSON.stringify(b.get(key)),
    ])
    .filter(([, ours, theirs]) => ours !== theirs);
}

/**
 * Seed by seed over the seeds that both have, so that a lost run shifts nothing; as two samples where
 * they share fewer than two, and neither's seeds are all among the other's.
 */
function compare(
  first: Point,
  second: Point,
  score: keyof Scores,
): Pick<Comparison, 'n' | 'leftOut' | 'difference' | 'test'> {
  const [ours, theirs] = [seedsIn(first), seedsIn(second)];
  const common = ours.filter((seed) => theirs.includes(seed));
  const paired = common.length >= Math.min(2, ours.length, theirs.length);
  const [a, b] = [first, second].map((point) =>
    scoresOf(point, score, paired ? common : undefined),
  ) as [number[], number[]];
  const others = (seeds: readonly number[]): number[] =>
    paired ? seeds.filter((seed) => !common.includes(seed)) : [];
  const single = a.length < 2 || b.length < 2;
  return {
    n: [a.length, b.length],
    leftOut: [others(ours), others(theirs)],
    difference: mean(a) - mean(b),
    test: single ? null : paired ? pairedTest(a, b) : welchTest(a, b),
  };
}
