// Values that the authors of F-SAM published, for the runs that repeat them exactly.
import type { Config } from '../config/schema.js';

/** Test accuracies in percent. */
interface Published {
  readonly last: number;
  readonly best: number;
  readonly lastTen: number;
  readonly source: string;
}

const SOURCE = "the authors' released logs: CIFAR-100, ResNet-18, seed 1, 200 epochs";

/** By rho, sigma and lambda; results/reference/published has the whole curves. */
const LOGS: readonly (Published & {
  readonly optimizer: string;
  readonly lambda: number | null;
})[] = [
  { optimizer: 'sam', lambda: null, last: 80.78, best: 80.88, lastTen: 80.78, source: SOURCE },
  { optimizer: 'fsam', lambda: 0.6, last: 81.19, best: 81.38, lastTen: 81.2, source: SOURCE },
  { optimizer: 'fsam', lambda: 0.95, last: 81.32, best: 81.43, lastTen: 81.35, source: SOURCE },
];

/** Null where nothing was published for such a run: another network, width, part of the data, ... */
export function publishedFor(config: Config): Published | null {
  const { data, model, optimizer, labelNoise, schedule } = config;
  const isRecipe =
    data.name === 'cifar100' &&
    data.subset.train === null &&
    data.subset.test === null &&
    model.name === 'resnet18' &&
    (model.width ?? 64) === 64 &&
    config.epochs === 200 &&
    config.maxSteps === null &&
    config.batchSize === 128 &&
    config.microBatches === 1 &&
    config.labelSmoothing === 0 &&
    config.weightAverage === null &&
    labelNoise.rate === 0 &&
    labelNoise.file === null &&
    schedule.name === 'cosine' &&
    schedule.learningRate === 0.05 &&
    optimizer.base === 'sgd' &&
    optimizer.momentum === 0.9 &&
    optimizer.weightDecay === 1e-3 &&
    optimizer.rho === 0.2 &&
    !optimizer.adaptive;
  if (!isRecipe) return null;
  const found = LOGS.find(
    ({ optimizer: name, lambda }) =>
      name === optimizer.name &&
      (lambda === null || (lambda === optimizer.lambda && optimizer.sigma === 1)),
  );
  return found ?? null;
}
