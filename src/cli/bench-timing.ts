// The sides of a benchmark, timed one after the other, round by round, until a signal comes.
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import { threadCount } from '../native/threads.js';
import { statisticsOf } from '../session/benchmark.js';
import type { EngineOptions } from '../tasks/engine.js';
import type { StopSignal } from '../util/stop-signals.js';
import type { PythonScript } from './bench-python.js';
import { timePytorch, type PytorchMode } from './bench-pytorch.js';
import {
  timeFsam,
  type StepCounts,
  type Timed,
  type TimedRow,
  type Timing,
} from './bench-sides.js';
import { MODES, PYTORCH_MODES } from './bench-modes.js';
import { hasFailed, takeTurns, type Failure, type Side } from './bench-turns.js';

type Mode = EngineOptions['mode'];

interface SideOptions extends StepCounts {
  readonly modes: readonly Mode[];
  readonly againstModes: readonly PytorchMode[];
}

/** In the order they run: compiled and PyTorch's best, which are compared, one after the other. */
export function sides(
  config: Config,
  shape: DatasetShape,
  { modes, againstModes, warmup, steps }: SideOptions,
  pytorch: PythonScript | Failure | undefined,
  timed: () => readonly TimedRow[],
): Side<Timed>[] {
  const counts = { warmup, steps };
  const own: Side<Timed>[] = MODES.filter((mode) => modes.includes(mode)).map((mode) => ({
    name: `fsam ${mode}`,
    time: (stop) => timeFsam({ config, shape, mode, ...counts }, stop),
  }));
  if (pytorch === undefined) return own;
  if (hasFailed(pytorch)) {
    // First, so that it is told before the others take their time.
    return [{ name: 'pytorch', time: () => Promise.resolve(pytorch) }, ...own];
  }
  const theirs = PYTORCH_MODES.filter((mode) => againstModes.includes(mode)).map(
    (mode): Side<Timed> => ({
      name: `pytorch ${mode}`,
      time: (stop) => {
        const device = usedGpu(timed()) ? 'cuda' : 'cpu';
        const parameters = timings(timed())[0]?.parameters ?? null;
        const same = { config, shape, device, parameters, threads: threadCount() } as const;
        return timePytorch({ ...pytorch, mode, ...same, ...counts }, stop);
      },
    }),
  );
  return [...own, ...theirs];
}

/** Times them: see `takeTurns`. */
export function timeAll(
  sides: readonly Side<Timed>[],
  rows: TimedRow[],
  { rounds, batchSize }: { readonly rounds: number; readonly batchSize: number },
): Promise<StopSignal | null> {
  return takeTurns(sides, rows, rounds, {
    joined: (before, after) => joined(before.timing, after.timing, batchSize),
    summary: ({ timing }) => `${timing.median.toFixed(1)} ms a step`,
  });
}

/** The steps of both rounds. */
function joined(before: Timing, after: Timing, batchSize: number): Timed {
  const milliseconds = [...before.milliseconds, ...after.milliseconds];
  const peakMemory = Math.max(before.peakMemory, after.peakMemory);
  return {
    timing: { ...after, ...statisticsOf(milliseconds, batchSize), milliseconds, peakMemory },
  };
}

/** Of the sides that ran. */
export const timings = (rows: readonly TimedRow[]): Timing[] =>
  rows.flatMap(({ outcome }) => (hasFailed(outcome) ? [] : [outcome.timing]));

const usedGpu = (rows: readonly TimedRow[]): boolean =>
  timings(rows).some(({ device }) => device === 'GPU');
