// The sides of `fsam bench --data-only`: pictures read by threads, the parts of reading one, and the step that
// takes them in.
import type { Config } from '../catalogue/schema.js';
import { medianOf } from '../session/benchmark.js';
import { counted } from '../util/counted.js';
import { askBench, type StepCounts } from './bench-sides.js';
import { hasFailed, type Failure, type Side } from './bench-turns.js';

/** Figures of each round, by name: `RATE`, or milliseconds an image of each part. */
export interface Rounds {
  readonly rounds: readonly Readonly<Record<string, number>>[];
  /** Versions of what read the pictures; null: nothing to tell. */
  readonly library: string | null;
}

/** Images a second. */
export const RATE = 'images/s';

/** What reading a picture comes to, in turn. */
export const PARTS = ['read', 'decode', 'resize', 'take'] as const;

export const FSAM = 'fsam';
export const PARTS_SIDE = 'parts';
export const STEP_SIDE = 'step';

/** The name of the side that reads in one way with so many workers. */
export const sideName = (way: string, workers: number): string =>
  `${way}, ${counted(workers, 'worker')}`;

type Ended = Rounds | Failure | undefined;

const roundsOf = (outcome: Ended): Rounds['rounds'] =>
  outcome === undefined || hasFailed(outcome) ? [] : outcome.rounds;

const medianOrNone = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : medianOf(values);

/** The median over the rounds; undefined where the side gave none. */
export const medianFigure = (outcome: Ended, name: string): number | undefined =>
  medianOrNone(roundsOf(outcome).flatMap((round) => round[name] ?? []));

/** The median over the rounds of one rate to the other; undefined where there is none of either. */
export function medianRatio(one: Ended, other: Ended): number | undefined {
  const others = roundsOf(other);
  return medianOrNone(
    roundsOf(one).flatMap((round, i) => {
      const [above, below] = [round[RATE], others[i]?.[RATE]];
      return above === undefined || below === undefined ? [] : above / below;
    }),
  );
}

/** Told to the process of bench-data-worker.ts. */
export interface DataJob extends StepCounts {
  readonly task: 'rate' | 'parts';
  readonly config: Config;
}

const WORKER = new URL('./bench-data-worker.js', import.meta.url);

const ask = (job: DataJob, stop: AbortSignal): Promise<Rounds | Failure> =>
  askBench<Rounds>(WORKER, job, stop);

export const partsSide = (config: Config, counts: StepCounts): Side<Rounds> => ({
  name: PARTS_SIDE,
  time: (stop) => ask({ task: 'parts', config, ...counts }, stop),
});

export const rateSide = (config: Config, workers: number, counts: StepCounts): Side<Rounds> => ({
  name: sideName(FSAM, workers),
  time: (stop) => {
    const data = { ...config.data, workers };
    return ask({ task: 'rate', config: { ...config, data }, ...counts }, stop);
  },
});
