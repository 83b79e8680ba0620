// The door of this folder: the engine of a configuration, over its data set.
import { takesFullGradient } from '../catalogue/optimizers.js';
import type { Config } from '../catalogue/schema.js';
import { taskOf } from '../catalogue/task.js';
import {
  SPLITS,
  countOf,
  shapeOf,
  type Dataset,
  type DatasetShape,
  type Split,
} from '../data/dataset.js';
import { networkInput } from '../data/resize.js';
import { sourceOf } from '../data/set-source.js';
import type { Source } from '../data/source.js';
import { traceProgram, type Graph } from '../graph/compile.js';
import type { Workers } from '../graph/workers.js';
import { describeFunction } from '../graph/listing.js';
import { buildModel } from '../models/models.js';
import { requireBfloat16 } from '../native/bfloat16.js';
import { withoutOwnOps } from '../native/own-ops.js';
import { createOptimizer } from '../optim/optimizer.js';
import {
  engineSpec,
  openEngine,
  trainingFunction,
  type Engine,
  type EngineParts,
} from '../session/engine.js';
import { refuseMoreSamples } from '../session/full-gradient.js';
import { programOf, type Mode } from '../session/session.js';
import { trainingSlots } from '../session/slot.js';
import { UserError } from '../util/errors.js';
import { createTask } from './tasks.js';

export interface EngineOptions {
  readonly mode: Mode;
  /** The sets that it evaluates on; left out: those that a run does. */
  readonly evaluates?: readonly Split[];
  /** Whether it trains; left out: it does. */
  readonly trains?: boolean;
  /** That train and evaluate together; left out: this process is alone. */
  readonly workers?: Workers | undefined;
}

/**
 * Builds the network of `config` for `dataset`, initialises it from the seed, and compiles its
 * steps.
 */
export type CreateEngine = (config: Config, dataset: Dataset, options: EngineOptions) => Engine;

export const createEngine: CreateEngine = (config, dataset, { mode, ...options }) => {
  if (config.model.precision === 'bfloat16') requireBfloat16();
  const parts = partsOf(config, shapeOf(dataset), options, dataset);
  return openEngine(parts, mode === 'compiled' && config.xla === 'on' ? 'xla' : mode);
};

/** The traced training step of `config` as text; needs no data. */
export function describeStep(config: Config, shape: DatasetShape): string {
  const parts = partsOf(config, shape, { evaluates: [] });
  const program = () => traceProgram(programOf(engineSpec(parts)));
  const graph = config.xla === 'on' ? withoutOwnOps(program) : program();
  return describeFunction(graph, trainingFunction(parts));
}

/** Everything that a run of `config` hands to TensorFlow, training and evaluation; needs no data. */
export const traceRun = (config: Config, shape: DatasetShape): Graph =>
  traceProgram(programOf(engineSpec(partsOf(config, shape, {}))));

function partsOf(
  config: Config,
  shape: DatasetShape,
  { evaluates = ['validation', 'test'], trains = true, workers }: Omit<EngineOptions, 'mode'>,
  dataset?: Dataset,
): EngineParts {
  const { seed, microBatches, devices, weightAverage, batchSize, dropLast, evaluationBatchSize } =
    config;
  const network = buildModel(config.model, networkInput(config.data, shape));
  const optimizer = createOptimizer(
    config.optimizer,
    network.parameters.tensors,
    config.schedule.learningRate,
  );
  const task = createTask(config, shape);
  if (workers !== undefined) refuseAmongWorkers(config);
  const inOrder = {
    ...{ size: evaluationBatchSize, dropLast: false, shuffledBy: null },
    turn: workers,
  };
  // An evaluation holds its answers against the labels that the data set has, noisy or not.
  const quiet = { ...shape, labelNoise: false };
  const evaluated = SPLITS.filter(
    (split) => evaluates.includes(split) && countOf(shape, split) > 0,
  );
  const batching = { size: batchSize, dropLast, shuffledBy: seed, share: workers };
  const training = trains ? sourceOf('train', shape, batching, dataset) : null;
  const fullGradient = takesFullGradient(config.optimizer)
    ? config.optimizer.fullGradient
    : undefined;
  const probes =
    config.probes.every === null ? undefined : { ...config.probes, every: config.probes.every };
  if (training !== null) {
    const { examples } = taskOf(config);
    refuseMoreSamples(
      training,
      fullGradient?.samples ?? 'all',
      'optimizer.fullGradient.samples',
      examples,
    );
    refuseMoreSamples(training, probes?.samples ?? 'all', 'probes.samples', examples);
  }
  return {
    network,
    optimizer,
    task,
    slots: trainingSlots(network, optimizer, weightAverage),
    fullGradient,
    probes,
    microBatches,
    devices,
    workers,
    seed,
    training,
    evaluated: Object.fromEntries(
      evaluated.map((split): [Split, Source] => [split, sourceOf(split, quiet, inOrder, dataset)]),
    ),
  };
}

/**
 * What is computed over the set, beside the steps, each process would have to do by itself; and a step that sums over
 * workers in between is no one call.
 */
function refuseAmongWorkers({ optimizer, probes, xla, data }: Config): void {
  const refuse = (key: string, got: string, wanted: string): never => {
    throw new UserError(`${key}: got ${got} with several workers, wanted ${wanted}, or one worker`);
  };
  if (takesFullGradient(optimizer)) {
    refuse('optimizer.name', optimizer.name, 'an optimizer that takes no full gradient');
  }
  // Each would skip what it reads itself, and the first alone writes down what was skipped.
  if (data.name === 'imagenet' && data.onCorrupt === 'skip')
    refuse('data.onCorrupt', 'skip', 'error');
  if (xla === 'on') refuse('xla', 'on', 'off');
  if (probes.every !== null) refuse('probes.every', `${probes.every}`, 'null');
}
