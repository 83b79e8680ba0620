// fsam sweep --point and --array: one point of a started sweep, as launchers call it.
import {
  heedPool,
  plannedPoint,
  recordFailure,
  submittedPoint,
  type Failure,
  type SinglePoint,
} from '../sweep/single.js';
import { UserError } from '../util/errors.js';
import type { WorkersPlace } from '../util/workers-place.js';
import { execute } from './execute.js';
import { describeFailure, Interrupted } from './failure.js';
import type { RunWatch } from './run-watch.js';
import type { SweepOptions } from './sweep-options.js';
import { taskPlace } from './workers-place.js';

export async function runSingle(options: SweepOptions, watch: RunWatch): Promise<void> {
  heedPool(watch.interrupt);
  const point = await pointOf(options);
  // Slurm starts a submitted point in as many processes as were asked for.
  const place = options.array === undefined ? null : taskPlace(options['slurm.workerTimeout']);
  const body = (): Promise<void> => run(point, options.quiet ?? false, watch, place);
  // The first process alone writes to the folder.
  if (place !== null && place.index > 0) return body();
  await recordFailure(point.folder, body, failureOf);
}

async function pointOf(options: SweepOptions): Promise<SinglePoint> {
  const { out: folder, point = '', array, task = 0, threads = null, overwrite = false } = options;
  if (folder === undefined) {
    throw new UserError('--point, --array: wanted --out, the folder of the sweep');
  }
  return array === undefined
    ? plannedPoint(folder, point, threads, overwrite)
    : submittedPoint(folder, array, task);
}

/** Starts the point, or goes on with it. */
function run(
  { config, folder, threads, overwrite }: SinglePoint,
  quiet: boolean,
  watch: RunWatch,
  place: WorkersPlace | null,
): Promise<void> {
  return execute({
    watch,
    configure: () => ({ config, folder }),
    resume: !overwrite,
    overwrite,
    quiet,
    threads: { count: threads, asked: null },
    place,
    wayOut: 'the same command goes on',
  });
}

function failureOf(error: unknown): Failure | null {
  if (error instanceof Interrupted) return null;
  const { lines, exitCode } = describeFailure(error, false);
  return { reason: lines.join('; ').replaceAll('fsam: ', ''), exitCode };
}
