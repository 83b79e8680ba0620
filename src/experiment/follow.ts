// The workers of a run but the first: they compute what it computes, and write nothing.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../catalogue/schema.js';
import { examplesIn, type Dataset } from '../data/dataset.js';
import type { Workers } from '../graph/workers.js';
import type { Engine } from '../session/engine.js';
import type { Numbers } from '../session/measure.js';
import type { Together } from '../session/together.js';
import { EndedElsewhere, required, UserError } from '../util/errors.js';
import { exitCodeOfAll } from '../util/workers-place.js';
import { recordOfRun } from './belonging.js';
import { fsamVersion, type Environment } from './environment.js';
import { fingerprintOf } from './fingerprint.js';
import type { Progress } from './progress.js';
import { scheduleOf, stepsInAll, stepsPerEpoch } from './steps.js';

type Position = Pick<Progress, 'epoch' | 'step' | 'stepInEpoch' | 'finished'>;

/** Of a run that has its result: nothing is left to compute. */
export const AT_THE_END: Position = { epoch: 0, step: 0, stepInEpoch: 0, finished: true };

/**
 * All workers agree that they train the same, before anything is written.
 *
 * Errors: UserError that names a worker which trains something else, on every worker.
 */
export async function meet(
  engine: Engine,
  config: Config,
  dataset: Dataset,
  environment: Environment,
): Promise<void> {
  // Others might give other numbers.
  const program = [await fsamVersion(), environment['tensorflow'], environment['device'] === 'CPU'];
  const [first, ...others] = togetherOf(engine).settle(identityOf(config, dataset, program));
  const other = others.findIndex((one) => !isDeepStrictEqual(one, first));
  if (other < 0) return;
  throw new UserError(
    `workers: worker ${other + 1} trains something else than worker 0 (another configuration, seed, data set, version or kind of device); start all of them by the same command, and tasks that are runs of their own with --alone`,
  );
}

/**
 * All begin where the first does, with its state, unless the run is finished.
 *
 * @param own where the first begins; null on the others
 */
export function beginTogether(engine: Engine, own: Position | null): Position {
  const together = togetherOf(engine);
  const all = together.settle(
    own === null ? [0, 0, 0, 0] : [own.epoch, own.stepInEpoch, own.step, Number(own.finished)],
  );
  const [epoch = 0, stepInEpoch = 0, step = 0, end = 0] = required(all[0], 'the first worker');
  const finished = end === 1;
  if (!finished) together.shareState();
  return { epoch, stepInEpoch, step, finished };
}

const togetherOf = ({ together }: Engine): Together => required(together, 'other workers');

/** Two numbers of 24 bits, alike where all that decides the numbers of a run is. */
function identityOf(config: Config, dataset: Dataset, program: readonly unknown[]): number[] {
  // A run may go on with other batches of its evaluation; workers share each of them.
  const { evaluationBatchSize } = config;
  const all = [recordOfRun(config), evaluationBatchSize, fingerprintOf(dataset), ...program];
  const bytes = createHash('sha256').update(JSON.stringify(all)).digest();
  return [bytes.readUIntBE(0, 3), bytes.readUIntBE(3, 3)];
}

/** Computes with the first worker until the run is finished, or all of them stop. */
export async function follow(
  engine: Engine,
  workers: Workers,
  config: Config,
  dataset: Dataset,
  environment: Environment,
): Promise<'finished' | 'interrupted'> {
  await meet(engine, config, dataset, environment);
  const begun = beginTogether(engine, null);
  if (begun.finished) return 'finished';
  let { epoch, step, stepInEpoch } = begun;
  const refuseDiverged = ({ numbers }: { readonly numbers: Numbers }): void => {
    if (Object.values(numbers).every(Number.isFinite)) return;
    // The first worker has the same numbers, and tells.
    throw new EndedElsewhere(exitCodeOfAll());
  };
  const perEpoch = stepsPerEpoch(examplesIn(dataset.train), config);
  const lastStep = stepsInAll(perEpoch, config);
  const schedule = scheduleOf(perEpoch, config);
  const source = required(engine.training, 'what is trained on');
  for (;;) {
    const batches = source.batches(epoch, stepInEpoch);
    try {
      while (stepInEpoch < perEpoch && step < lastStep) {
        const { value } = await batches.next();
        const batch = required(value ?? undefined, 'a batch');
        refuseDiverged(engine.trainStep(step, batch, schedule(step)));
        step++;
        stepInEpoch++;
        // Lets signal handlers run: they tell the others with the next step.
        await setImmediate();
        if (workers.stop.agreed !== null) return 'interrupted';
      }
    } finally {
      await batches.return();
    }
    refuseDiverged(await engine.evaluate('test'));
    if (config.data.validation !== null) refuseDiverged(await engine.evaluate('validation'));
    if (step >= lastStep) return 'finished';
    epoch++;
    stepInEpoch = 0;
  }
}
