// The process that times or profiles one way to run the training step, for bench-sides.ts.
import type { Config } from '../catalogue/schema.js';
import { standInFor } from '../data/stand-in.js';
import { settingsFor } from '../experiment/processor.js';
import { openDevice, type Device } from '../native/device.js';
import { statisticsOf, timeSteps } from '../session/benchmark.js';
import type { Engine } from '../session/engine.js';
import { createEngine } from '../tasks/engine.js';
import { profileSteps } from '../session/profile-steps.js';
import { required, UserError } from '../util/errors.js';
import {
  answerBench,
  type AnyJob,
  type Found,
  type Profiled,
  type StepCounts,
  type Timing,
} from './bench-sides.js';

/** Losses that are kept to look at. */
const KEPT_LOSSES = 5;

async function time(
  engine: Engine,
  config: Config,
  counts: StepCounts,
  device: Device,
): Promise<Timing> {
  const { milliseconds, losses } = await timeSteps(engine, config, counts);
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
  engine: Engine,
  config: Config,
  counts: StepCounts,
  device: Device,
): Promise<Profiled> {
  const found = await profileSteps(engine, config, counts);
  return { ...found, library: `${libraryOf(device)} on ${device.inUse}` };
}

const libraryOf = ({ tensorflowVersion }: Device): string => `TensorFlow ${tensorflowVersion}`;

async function work({ task, config, shape, mode, ...counts }: AnyJob): Promise<Found> {
  const device = openDevice(config.device, await settingsFor(config, null), config);
  if (task === 'profile' && device.inUse === 'GPU') {
    throw new UserError(
      '--profile: got a GPU, wanted a CPU, on which an op ends when its kernel returns; give --device cpu',
    );
  }
  const engine = createEngine(config, standInFor(shape, config), { mode, evaluates: [] });
  switch (task) {
    case 'time':
      return { timing: await time(engine, config, counts, device) };
    case 'profile':
      return { profile: await profile(engine, config, counts, device) };
    default:
      return task satisfies never;
  }
}

answerBench(work);
