// The learning rate over a run: cosine, step, constant or inverse-sqrt, each after an optional linear warm-up.
import type { ScheduleConfig } from '../catalogue/schema.js';

/** The learning rate of training step `step`, 0-based over the whole run. */
export type Schedule = (step: number) => number;

export interface RunLength {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
}

/**
 * With T steps in all, W of them warm-up (`warmupEpochs`, rounded to whole steps, of which one at least is left), and
 * base rate `learningRate`:
 *
 *     warm-up    (step + 1) / (W + 1) of the rate, step < W: the line from 0 before the first step to 1 at step W
 *     cosine     f + (1 - f) (1 + cos(pi (step - W) / (T - W))) / 2: 1 at step W, and the floor f would be reached at step T, after the last one
 *     step       factor to the power of the number of milestones (epochs, counted from 0) that have begun
 *     constant   1
 *     inverse-sqrt   1 / sqrt(step - W + 1)
 *
 * The cosine without warm-up is what the authors' code sets before each step.
 */
export function createSchedule(config: ScheduleConfig, length: RunLength): Schedule {
  const { epochs, stepsPerEpoch } = length;
  const warmup = Math.min(
    Math.round(config.warmupEpochs * stepsPerEpoch),
    epochs * stepsPerEpoch - 1,
  );
  const shape = shapeOf(config, length, warmup);
  return (step) => {
    const ramp = step < warmup ? (step + 1) / (warmup + 1) : 1;
    return config.learningRate * ramp * shape(step);
  };
}

/** What the rate is multiplied by, warm-up apart. */
function shapeOf(
  { name, floor, milestones, factor }: ScheduleConfig,
  { epochs, stepsPerEpoch }: RunLength,
  warmup: number,
): Schedule {
  switch (name) {
    case 'cosine': {
      const total = epochs * stepsPerEpoch - warmup;
      return (step) => {
        const share = (1 + Math.cos((Math.PI * Math.max(step - warmup, 0)) / total)) / 2;
        return floor + (1 - floor) * share;
      };
    }
    case 'step':
      return (step) => {
        const epoch = Math.floor(step / stepsPerEpoch);
        return factor ** milestones.filter((milestone) => milestone <= epoch).length;
      };
    case 'constant':
      return () => 1;
    case 'inverse-sqrt':
      return (step) => 1 / Math.sqrt(Math.max(step - warmup, 0) + 1);
    default:
      return name satisfies never;
  }
}
