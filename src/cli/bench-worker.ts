// The process that times or profiles one way to run the training step, for bench-sides.ts.
import type { Config } from '../catalogue/schema.js';
import { loadDataset } from '../data/load.js';
import { settingsFor } from '../experiment/processor.js';
import { openDevice, type Device } from '../native/device.js';
import { statisticsOf, timeSteps } from '../session/benchmark.js';
import type { Engine } from '../session/engine.js';
import { createEngine, type EngineOptions } from '../tasks/engine.js';
import { profileSteps } from '../session/profile-steps.js';
import { required, UserError } from '../util/errors.js';
import type { Answer, AnyJob, Found, Profiled, StepCounts, Timing } from './bench-sides.js';
import { answerJob } from './worker.js';

/** Losses that are kept to look at. */
const KEPT_LOSSES = 5;

interface Opened {
  readonly engine: Engine;
  /** Images to train on. */
  readonly images: number;
}

async function open(config: Config, mode: EngineOptions['mode']): Promise<Opened> {
  const dataset = await loadDataset(config.data, config.seed);
  return { engine: createEngine(config, dataset, { mode }), images: dataset.train.labels.length };
}

async function time(
  { engine, images }: Opened,
  config: Config,
  counts: StepCounts,
  device: Device,
): Promise<Timing> {
  const { milliseconds, losses } = await timeSteps(engine, config, images, counts);
  return {
    ...statisticsOf(milliseconds, config.batchSize),
    milliseconds,
    // Node gives kilobytes.
    peakMemory: (process.resourceUsage().maxRSS * 1024) / 1e6,
    losses: losses.slice(0, KEPT_LOSSES),
    parameters: required(
      engine.slots.find(({ name }) => name === 'parameters'),
      'parameters',
    ).size,
    device: device.inUse,
    library: libraryOf(device),
  };
}

async function profile(
  { engine, images }: Opened,
  config: Config,
  counts: StepCounts,
  device: Device,
): Promise<Profiled> {
  const found = await profileSteps(engine, config, images, counts);
  return { ...found, library: `${libraryOf(device)} on ${device.inUse}` };
}

const libraryOf = ({ tensorflowVersion }: Device): string => `TensorFlow ${tensorflowVersion}`;

async function work({ task, config, mode, ...counts }: AnyJob): Promise<Found> {
  const device = openDevice(config.device, await settingsFor(config, null));
  if (task === 'profile' && device.inUse === 'GPU') {
    throw new UserError(
      '--profile: got a GPU, wanted a CPU, on which an op ends when its kernel returns; give --device cpu',
    );
  }
  const opened = await open(config, mode);
  switch (task) {
    case 'time':
      return { timing: await time(opened, config, counts, device) };
    case 'profile':
      return { profile: await profile(opened, config, counts, device) };
    default:
      return task satisfies never;
  }
}

async function answer(job: AnyJob): Promise<Answer<Found>> {
  try {
    return await work(job);
  } catch (error) {
    if (error instanceof UserError) return { userError: error.message };
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

answerJob(answer);
