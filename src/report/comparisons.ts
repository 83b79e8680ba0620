// Differences between optimizers at otherwise equal keys, tested over seeds.
import { scoresOf, type Point } from './points.js';
import type { Scores } from './runs.js';
import { holm, mean, pairedTest, welchTest, type TTest } from './statistics.js';

export interface Comparison {
  readonly first: Point;
  readonly second: Point;
  /** What else they differ in, such as rates that belong to the optimizers: `schedule.learningRate 0.05, 0.1`. */
  readonly besides: readonly string[];
  /** Of the mean scores, first minus second, in percentage points. */
  readonly difference: number;
  /** Null where there is no error bar: one seed, or no spread at all. */
  readonly test: TTest | null;
  /** Of the test's p, for all comparisons of the list together (Holm). */
  readonly adjusted: number | null;
}

const OPTIMIZER = 'optimizer.name';

/** Every pair of points that differ in the optimizer and in no key that both have. */
export function compareOptimizers(points: readonly Point[], score: keyof Scores): Comparison[] {
  const pairs = points.flatMap((second, i) =>
    points
      .slice(i + 1)
      .filter((first) => differOnlyInOptimizer(first, second))
      .map((first) => ({ first, second, test: testOf(first, second, score) })),
  );
  const adjusted = holm(pairs.flatMap(({ test }) => test?.p ?? []));
  let tested = 0;
  return pairs.map((pair) => ({
    ...pair,
    besides: besides(pair.first, pair.second),
    difference: mean(scoresOf(pair.first, score)) - mean(scoresOf(pair.second, score)),
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

/** Differences that the labels do not tell, because they go with the optimizers. */
function besides({ details: a }: Point, { details: b }: Point): string[] {
  return [...a.keys()]
    .filter((key) => key !== OPTIMIZER && b.has(key))
    .map((key) => [key, JSON.stringify(a.get(key)), JSON.stringify(b.get(key))] as const)
    .filter(([, ours, theirs]) => ours !== theirs)
    .map(([key, ours, theirs]) => `${key} ${ours}, ${theirs}`);
}

/** Paired by seed where both have the same seeds; else as two samples. */
function testOf(first: Point, second: Point, score: keyof Scores): TTest | null {
  const [a, b] = [scoresOf(first, score), scoresOf(second, score)];
  if (a.length < 2 || b.length < 2) return null;
  const seeds = ({ runs }: Point): string => runs.map(({ config }) => config.seed).join();
  return seeds(first) === seeds(second) ? pairedTest(a, b) : welchTest(a, b);
}
