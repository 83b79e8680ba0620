// fsam sweep --point N: one point of a started sweep, in this process. What launchers call.
import { join } from 'node:path';
import { STOP } from '../sweep/pool.js';
import { UserError } from '../util/errors.js';
import { execute } from './execute.js';
import { describeFailure, Interrupted } from './failure.js';

interface PointRequest {
  /** Of the sweep; it has a sweep.json. */
  readonly folder: string;
  readonly number: number;
  readonly threads: number | null;
  readonly overwrite: boolean;
  readonly quiet: boolean;
}

/**
 * Starts the point, or goes on with it. Why it fails is left in its folder, for the next look at
 * the sweep.
 */
export async function runPoint(request: PointRequest): Promise<void> {
  const { readPlan } = await import('../sweep/plan-file.js');
  const plan = await readPlan(request.folder);
  if (plan === null) {
    throw new UserError(`${request.folder}: holds no sweep; start one with fsam sweep --config`);
  }
  const point = plan.points.find(({ number }) => number === request.number);
  if (point === undefined) {
    throw new UserError(
      `--point ${request.number}: the sweep in ${request.folder} has points 1 to ${plan.points.length}`,
    );
  }
  const { config } = point;
  if ('mistakes' in config) throw new UserError(config.mistakes);
  const { useThreads } = await import('../native/threads.js');
  useThreads(request.threads ?? plan.threads);
  const folder = join(request.folder, point.name);
  const { clearFailure, writeFailure } = await import('../sweep/state.js');
  try {
    await execute({
      configure: () => Promise.resolve({ config, folder }),
      resume: !request.overwrite,
      overwrite: request.overwrite,
      quiet: request.quiet,
      wayOut: 'the same command goes on',
      watching: ({ interrupt }) => {
        // A launcher that is gone cannot tell any more; it may have gone before we could listen.
        process.on('disconnect', () => interrupt('SIGTERM'));
        if (process.send !== undefined && !process.connected) interrupt('SIGTERM');
        process.on('message', (message) => {
          if (message === STOP) interrupt('SIGTERM');
        });
      },
    });
    await clearFailure(folder);
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      const { lines, exitCode } = describeFailure(error, false);
      await writeFailure(folder, lines.join('; ').replaceAll('fsam: ', ''), exitCode);
    }
    throw error;
  } finally {
    if (process.connected) process.disconnect();
  }
}
