// Profiles training steps, each beside one that nobody watches.
import type { Config } from '../catalogue/schema.js';
import type { OnTrace } from '../graph/program.js';
import { decodeProfile } from '../native/profile.js';
import { required } from '../util/errors.js';
import { stepTimer } from './benchmark.js';
import type { Engine } from './engine.js';
import { meanTable, opTable, traceEvents, type OpTable, type TraceEvent } from './profile.js';

export interface StepProfile {
  /** A step's: the mean of the faster half of those profiled, which other programs disturbed least. */
  readonly table: OpTable;
  /** Mean milliseconds of the faster half of the others. */
  readonly unwatched: number;
  /** The fastest profiled step. */
  readonly fastest: { readonly milliseconds: number; readonly events: readonly TraceEvent[] };
}

/**
 * Runs `warmup` steps, then `steps` profiled ones and as many others by turns. Reading a profile is no
 * part of a step's time.
 */
export async function profileSteps(
  engine: Pick<Engine, 'trainStep' | 'training'>,
  config: Pick<Config, 'schedule'>,
  { warmup, steps }: { readonly warmup: number; readonly steps: number },
): Promise<StepProfile> {
  const timer = stepTimer(engine, config);
  const timed = async (traced?: OnTrace): Promise<number> =>
    (await timer.next(traced)).milliseconds;

  for (let i = 0; i < warmup; i++) await timed();
  const unwatched: number[] = [];
  const tables: OpTable[] = [];
  let fastest: StepProfile['fastest'] | undefined;
  for (let i = 0; i < steps; i++) {
    unwatched.push(await timed());
    let metadata: Uint8Array | undefined;
    const milliseconds = await timed((found) => {
      metadata = found;
    });
    const profile = decodeProfile(required(metadata, 'the record of a step'));
    tables.push(opTable(profile, milliseconds));
    if (fastest === undefined || milliseconds < fastest.milliseconds) {
      fastest = { milliseconds, events: traceEvents(profile) };
    }
  }
  await timer.end();
  const half = fasterHalf(unwatched, (milliseconds) => milliseconds);
  return {
    table: meanTable(fasterHalf(tables, ({ wall }) => wall)),
    unwatched: half.reduce((sum, milliseconds) => sum + milliseconds, 0) / half.length,
    fastest: required(fastest, 'a profiled step'),
  };
}

/** Of an odd number, with the one in the middle. */
const fasterHalf = <T>(steps: readonly T[], time: (step: T) => number): T[] =>
  [...steps].sort((a, b) => time(a) - time(b)).slice(0, Math.ceil(steps.length / 2));
