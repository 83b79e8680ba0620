// The sides of a benchmark, one after the other, round by round, until a signal comes.
import { RunError } from '../util/errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import { Interrupted } from './failure.js';
import { tell } from './output.js';
import { watchSignals } from './signals.js';

/** Why a side gave no figures. */
export interface Failure {
  readonly failure: string;
}

export interface Side<Figures extends object> {
  readonly name: string;
  readonly time: (stop: AbortSignal) => Promise<Figures | Failure>;
}

/** What has become of a side. */
export interface Row<Figures extends object> {
  readonly name: string;
  readonly outcome: Figures | Failure;
}

interface Telling<Figures> {
  /** The figures of two rounds as one. */
  readonly joined: (before: Figures, after: Figures) => Figures;
  /** Of a round, in a line. */
  readonly summary: (figures: Figures) => string;
}

/**
 * Times every side once a round, so that all of them meet what else the machine does; one that failed is not timed
 * again. Leaves a row for each side that ends, with a line on stderr; gives the signal that stopped it.
 */
export async function takeTurns<Figures extends object>(
  sides: readonly Side<Figures>[],
  rows: Row<Figures>[],
  rounds: number,
  { joined, summary }: Telling<Figures>,
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
      if (before !== undefined && hasFailed(before)) continue;
      if (process.stderr.isTTY) tell(`timing ${name} ...`);
      const after = await time(stop.signal);
      if (stop.signal.aborted) break;
      const outcome = before === undefined || hasFailed(after) ? after : joined(before, after);
      if (earlier < 0) rows.push({ name, outcome });
      else rows[earlier] = { name, outcome };
      tell(`${name}: ${hasFailed(after) ? after.failure : summary(after)}`);
    }
  } finally {
    watch.release();
  }
  return watch.interruption.signal;
}

export const hasFailed = (outcome: object): outcome is Failure => 'failure' in outcome;

/**
 * After the tables.
 *
 * @throws Interrupted where a signal came; RunError where a side failed.
 */
export function conclude(rows: readonly Row<object>[], signal: StopSignal | null): void {
  if (signal !== null) {
    const found = rows.length > 0 ? 'what was timed until then is above' : 'nothing was timed';
    throw new Interrupted(signal, found);
  }
  const failed = rows.filter(({ outcome }) => hasFailed(outcome));
  if (failed.length > 0) {
    throw new RunError(
      `bench: ${failed.map(({ name }) => name).join(', ')} did not run, see above`,
    );
  }
}
