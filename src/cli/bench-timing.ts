// The sides of a benchmark, timed one after the other, round by round, until a signal comes.
import type { Config } from '../catalogue/schema.js';
import type { DatasetShape } from '../data/dataset.js';
import { threadCount } from '../native/threads.js';
import { statisticsOf } from '../session/benchmark.js';
import type { EngineOptions } from '../tasks/engine.js';
import type { StopSignal } from '../util/stop-signals.js';
import { timePytorch, type FoundPytorch, type PytorchMode } from './bench-pytorch.js';
import { timeFsam, type Outcome, type StepCounts, type Timing } from './bench-sides.js';
import type { Row } from './bench-table.js';
import { MODES, PYTORCH_MODES } from './bench-modes.js';
import { tell } from './output.js';
import { watchSignals } from './signals.js';

type Mode = EngineOptions['mode'];

export interface Side {
  readonly name: string;
  readonly time: (stop: AbortSignal) => Promise<Outcome>;
}

interface SideOptions extends StepCounts {
  readonly modes: readonly Mode[];
  readonly againstModes: readonly PytorchMode[];
}

/** In the order they run: compiled and PyTorch's best, which are compared, one after the other. */
export function sides(
  config: Config,
  shape: DatasetShape,
  { modes, againstModes, warmup, steps }: SideOptions,
  pytorch: FoundPytorch | undefined,
  timed: () => readonly Row[],
): Side[] {
  const counts = { warmup, steps };
  const own: Side[] = MODES.filter((mode) => modes.includes(mode)).map((mode) => ({
    name: `fsam ${mode}`,
    time: (stop) => timeFsam({ config, mode, ...counts }, stop),
  }));
  if (pytorch === undefined) return own;
  if ('failure' in pytorch) {
    // First, so that it is told before the others take their time.
    return [{ name: 'pytorch', time: () => Promise.resolve(pytorch) }, ...own];
  }
  const theirs = PYTORCH_MODES.filter((mode) => againstModes.includes(mode)).map((mode): Side => ({
    name: `pytorch ${mode}`,
    time: (stop) => {
      const device = usedGpu(timed()) ? 'cuda' : 'cpu';
      const parameters = timings(timed())[0]?.parameters ?? null;
      const same = { config, shape, device, parameters, threads: threadCount() } as const;
      return timePytorch({ ...pytorch, mode, ...same, ...counts }, stop);
    },
  }));
  return [...own, ...theirs];
}

/**
 * Times every side once a round, so that all of them meet what else the machine does; one that failed is not timed
 * again. Leaves a row for each side that ends, with a line on stderr; gives the signal that stopped it.
 */
export async function timeAll(
  sides: readonly Side[],
  rows: Row[],
  { rounds, batchSize }: { readonly rounds: number; readonly batchSize: number },
): Promise<StopSignal | null> {
  const stop = new AbortController();
  const watch = watchSignals((signal) => {
    tell(`${signal}: stopping the side under way`);
    stop.abort();
  });
  try {
    for (const { name, time } of Array.from({ length: rounds }, () => sides).flat()) {
      const earlier = rows.findIndex((row) => row.name === name);
      const before = rows[earlier]?.outcome;
      if (before !== undefined && 'failure' in before) continue;
      if (process.stderr.isTTY) tell(`timing ${name} ...`);
      const outcome = await time(stop.signal);
      if (stop.signal.aborted) break;
      const row = { name, outcome: joined(before, outcome, batchSize) };
      if (earlier < 0) rows.push(row);
      else rows[earlier] = row;
      tell(`${name}: ${summary(outcome)}`);
    }
  } finally {
    watch.release();
  }
  return watch.interruption.signal;
}

/** The steps of both rounds; a failure where one failed. */
function joined(before: Outcome | undefined, after: Outcome, batchSize: number): Outcome {
  if (before === undefined || 'failure' in before || 'failure' in after) return after;
  const milliseconds = [...before.timing.milliseconds, ...after.timing.milliseconds];
  const peakMemory = Math.max(before.timing.peakMemory, after.timing.peakMemory);
  return {
    timing: { ...after.timing, ...statisticsOf(milliseconds, batchSize), milliseconds, peakMemory },
  };
}

const summary = (outcome: Outcome): string =>
  'timing' in outcome ? `${outcome.timing.median.toFixed(1)} ms a step` : outcome.failure;

/** Of the sides that ran. */
export const timings = (rows: readonly Row[]): Timing[] =>
  rows.flatMap(({ outcome }) => ('timing' in outcome ? [outcome.timing] : []));

const usedGpu = (rows: readonly Row[]): boolean =>
  timings(rows).some(({ device }) => device === 'GPU');
