// How long runs will take: a few steps of one of them are timed, and the others are scaled by what
// they compute.
import type { Config } from '../catalogue/schema.js';
import { examplesIn, type DatasetShape } from '../data/dataset.js';
import { datasetShape, loadDataset } from '../data/load.js';
import { stepsPerEpoch } from '../experiment/steps.js';
import { gradientsPerStep, OPTIMIZERS } from '../catalogue/optimizers.js';
import { settingsFor } from '../experiment/processor.js';
import { openDevice } from '../native/device.js';
import { useThreads } from '../native/threads.js';
import { timeSteps } from '../session/benchmark.js';
import { networkCost } from '../session/cost.js';
import { createEngine } from '../tasks/engine.js';
import { required, UserError } from '../util/errors.js';

/** Steps before those that are timed, and those. */
const COUNTS = { warmup: 2, steps: 3 };

/** A backward pass costs about twice its forward pass. */
const PASSES = 3;

export interface EstimateJob {
  /** Their paths are relative to the folder of this process. */
  readonly configs: readonly Config[];
  /** Of each run. */
  readonly threads: number;
}

export type EstimateAnswer =
  /** Of each run, from its first epoch to its last, one process at a time. */
  | { readonly seconds: readonly number[] }
  /** Why the first one could not start. */
  | { readonly problem: string };

/** Loads the data and TensorFlow, into a process that has not done so. */
export async function estimate({ configs, threads }: EstimateJob): Promise<EstimateAnswer> {
  useThreads(threads);
  try {
    return { seconds: await estimateSeconds(configs) };
  } catch (error) {
    if (error instanceof UserError) return { problem: error.message };
    throw error;
  }
}

async function estimateSeconds(configs: readonly Config[]): Promise<number[]> {
  const first = required(configs[0], 'a run to time');
  openDevice(first.device, await settingsFor(first, null), first);

  const costs = new Map<string, Promise<{ shape: DatasetShape; multiplyAdds: number }>>();
  const costOf = ({ data, model, seed }: Config) => {
    const key = JSON.stringify([data, model]);
    const known = costs.get(key);
    const cost = known ?? measureCost(data, model, seed);
    costs.set(key, cost);
    return cost;
  };
  const measureCost = async (data: Config['data'], model: Config['model'], seed: number) => {
    const shape = { ...(await datasetShape(data, seed)), labelNoise: false };
    return { shape, multiplyAdds: networkCost(model, shape).multiplyAdds };
  };

  const plain = { ...first, labelNoise: { ...first.labelNoise, rate: 0, file: null } };
  const dataset = await loadDataset(plain.data, plain.seed);
  const engine = createEngine(plain, dataset, { mode: 'compiled' });
  const images = examplesIn(dataset.train);
  const { milliseconds } = await timeSteps(engine, plain, COUNTS);
  engine.dispose();
  const preparation = performance.now() / 1000;
  const { multiplyAdds } = await costOf(first);
  const perStep = Math.min(...milliseconds) / 1000;
  const batch = Math.min(first.batchSize, images);
  const secondsPerUnit =
    perStep / (batch * OPTIMIZERS[first.optimizer.name].passes * PASSES * multiplyAdds);

  return Promise.all(
    configs.map(async (config) => {
      const cost = await costOf(config);
      const { trainCount, testCount } = cost.shape;
      const perEpoch = stepsPerEpoch(trainCount, config);
      const steps = perEpoch * config.epochs;
      const epochs = config.epochs * Math.min(1, (config.maxSteps ?? steps) / steps);
      const trained = Math.min(trainCount, perEpoch * config.batchSize);
      const gradients = gradientsPerStep(config.optimizer, config.batchSize, trained);
      const images = trained * gradients * PASSES + testCount;
      return preparation + epochs * images * cost.multiplyAdds * secondsPerUnit;
    }),
  );
}
