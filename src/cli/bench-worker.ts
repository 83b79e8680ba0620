// The process that times one way to run the training step, for bench-sides.ts.
import { loadDataset } from '../data/load.js';
import { settingsFor } from '../experiment/processor.js';
import { openDevice } from '../native/device.js';
import { summarise, timeSteps } from '../train/benchmark.js';
import { required, UserError } from '../util/errors.js';
import type { Answer, Job, Timing } from './bench-sides.js';
import { answerJob } from './worker.js';

/** Losses that are kept to look at. */
const KEPT_LOSSES = 5;

async function work({ config, mode, ...counts }: Job): Promise<Timing> {
  const device = openDevice(config.device, await settingsFor(config, null));
  const dataset = await loadDataset(config.data, config.seed);
  const { createEngine } = await import('../train/engine.js');
  const engine = createEngine(config, dataset, { mode });
  const images = dataset.train.labels.length;
  const { milliseconds, losses } = await timeSteps(engine, config, images, counts);
  return {
    ...summarise(milliseconds, config.batchSize),
    milliseconds,
    // Node gives kilobytes.
    peakMemory: (process.resourceUsage().maxRSS * 1024) / 1e6,
    losses: losses.slice(0, KEPT_LOSSES),
    parameters: required(
      engine.slots.find(({ name }) => name === 'parameters'),
      'parameters',
    ).size,
    device: device.inUse,
    library: `TensorFlow ${device.tensorflowVersion}`,
  };
}

async function answer(job: Job): Promise<Answer> {
  try {
    return { timing: await work(job) };
  } catch (error) {
    if (error instanceof UserError) return { userError: error.message };
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

answerJob(answer);
