// How the steps of a run make epochs, and after which of them its checkpoint stays.
import type { Config } from '../catalogue/schema.js';
import { taskOf } from '../catalogue/task.js';
import { createSchedule, type Schedule } from '../optim/schedule.js';
import { UserError } from '../util/errors.js';

/**
 * Training steps of an epoch. Errors: UserError where `dropLast` leaves none.
 */
export function stepsPerEpoch(
  trainImages: number,
  { batchSize, dropLast, data }: Pick<Config, 'batchSize' | 'dropLast' | 'data'>,
): number {
  if (!dropLast) return Math.ceil(trainImages / batchSize);
  if (trainImages >= batchSize) return Math.floor(trainImages / batchSize);
  throw new UserError(
    `batchSize: got ${batchSize} with dropLast, which leaves no batch of ${trainImages} training ${taskOf({ data }).examples}; ` +
      `wanted ${trainImages} at most, or dropLast: false`,
  );
}

/** Steps of a whole run, which maxSteps may cut short. */
export const stepsInAll = (
  perEpoch: number,
  { epochs, maxSteps }: Pick<Config, 'epochs' | 'maxSteps'>,
): number => Math.min(epochs * perEpoch, maxSteps ?? Infinity);

/** The learning rate of each step of a run. */
export const scheduleOf = (
  perEpoch: number,
  { schedule, epochs }: Pick<Config, 'schedule' | 'epochs'>,
): Schedule => createSchedule(schedule, { epochs, stepsPerEpoch: perEpoch });

/** Images of the largest part that a batch is cut into: BatchNorm normalises so many together. */
export const largestPart = ({
  batchSize,
  devices,
  microBatches,
}: Pick<Config, 'batchSize' | 'devices' | 'microBatches'>): number =>
  Math.ceil(Math.ceil(batchSize / devices) / microBatches);

/** Whether a step climbs once for its whole batch: not part by part, each along its own gradient. */
export const climbsAsOne = ({
  devices,
  microBatches,
  optimizer,
}: Pick<Config, 'devices' | 'microBatches' | 'optimizer'>): boolean =>
  devices * microBatches === 1 || optimizer.perturbation === 'shared';

/** Whether the checkpoint after that many steps stays when newer ones are there. */
export function staysAfter(trainImages: number, config: Config): (steps: number) => boolean {
  const { keepEveryEpochs } = config.checkpoint;
  if (keepEveryEpochs === null) return () => false;
  const every = keepEveryEpochs * stepsPerEpoch(trainImages, config);
  return (steps) => steps % every === 0;
}
