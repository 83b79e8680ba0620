// What is said of full gradients at the start of a run: what they are taken over, what they cost, and where there is
// nothing else to climb along.
import { gradientsPerStep, takesFullGradient } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import { taskOf } from '../catalogue/task.js';
import { meanBatches, wantedOf } from '../util/whole-batches.js';
import { climbsAsOne, stepsPerEpoch } from './steps.js';

/** @param trainImages examples of the training set */
export const fullGradientLines = (config: Config, trainImages: number): string[] => [
  ...climbLines(config, trainImages),
  ...probeLines(config, trainImages),
];

function climbLines(config: Config, trainImages: number): string[] {
  const { optimizer, batchSize } = config;
  if (!takesFullGradient(optimizer)) return [];
  const { every, samples } = optimizer.fullGradient;
  const examples = examplesTrainedOn(config, trainImages);
  const times = gradientsPerStep(optimizer, batchSize, examples) / 2;
  return [
    `full gradient: over ${extent(config, samples, examples)} ${often(every)}: about ${times.toFixed(1)} times the work of sam`,
    ...(hasNoNoise(config, trainImages)
      ? [
          `sam-noise: a batch is the whole set of ${trainImages.toLocaleString('en')} ${taskOf(config).examples} and has no noise: it takes plain steps`,
        ]
      : []),
  ];
}

function probeLines(config: Config, trainImages: number): string[] {
  const { every, samples } = config.probes;
  if (every === null) return [];
  const examples = examplesTrainedOn(config, trainImages);
  const gradients = 1 + meanBatches(examples, config.batchSize, samples);
  return [
    `probes: ${often(every)}, the full gradient f over ${extent(config, samples, examples)}, ` +
      `about ${gradients.toFixed(1)} gradients a probe` +
      (wantedOf(samples) < examples ? '; |f|^2 has the sampling variance of so few in it' : ''),
  ];
}

const often = (every: number): string => (every === 1 ? 'every step' : `every ${every} steps`);

/** `5,000 images`, `whole batches with at least 1,000 of 5,000 images` */
function extent(config: Config, samples: number | 'all', examples: number): string {
  const all = `${examples.toLocaleString('en')} ${taskOf(config).examples}`;
  return samples === 'all'
    ? all
    : `whole batches with at least ${samples.toLocaleString('en')} of ${all}`;
}

/** Those that the batches of an epoch have. */
const examplesTrainedOn = (config: Config, trainImages: number): number =>
  Math.min(trainImages, stepsPerEpoch(trainImages, config) * config.batchSize);

/** Whether what sam-noise takes out of the gradient of every batch is all of it. */
function hasNoNoise(config: Config, trainImages: number): boolean {
  const { name, projection, sigma, fullGradient } = config.optimizer;
  if (name !== 'sam-noise' || config.batchSize < trainImages || !climbsAsOne(config)) return false;
  const isTakenOut = projection === 'exact' || sigma === 1;
  return isTakenOut && fullGradient.every === 1 && fullGradient.batchNorm === 'batch';
}
