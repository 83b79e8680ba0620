// One network under training: its state, and the steps that change it. The door of this folder.
import type { Config } from '../catalogue/schema.js';
import { drawAugmentation } from '../data/augment.js';
import { shapeOf, type Dataset, type DatasetShape } from '../data/dataset.js';
import { loadGraph, traceProgram } from '../graph/compile.js';
import { runEagerly } from '../graph/eager.js';
import { describeFunction } from '../graph/listing.js';
import type { FunctionSpec, OnTrace, Program, ProgramSpec, TensorTypes } from '../graph/program.js';
import { buildModel } from '../models/models.js';
import { requireBfloat16 } from '../native/bfloat16.js';
import { withStockOps } from '../native/stock-ops.js';
import type { TensorType, TypedArray } from '../native/types.js';
import type { Network } from '../nn/network.js';
import { createOptimizer, type Optimizer } from '../optim/optimizer.js';
import { InternalError, required } from '../util/errors.js';
import { randomStream } from '../util/random.js';
import { slotsOf, type Slot } from './slot.js';
import { evaluationStep, MEASURES, trainingStep } from './step.js';

/** What one training step tells. Losses are means over the batch, `correct` counts images. */
export interface StepResult {
  /** Images in the batch. */
  readonly images: number;
  /** Of the first pass, at w. */
  readonly loss: number;
  readonly correct: number;
  /** `correct` against the labels before label noise; NaN without noise. */
  readonly originalCorrect: number;
  /** Of the second pass, at w + eps; NaN for optimizers that have only one. */
  readonly perturbedLoss: number;
  readonly perturbedCorrect: number;
  /** L2 norm of the gradient at w. */
  readonly gradientNorm: number;
  /**
   * Cosine of the climb direction d and the gradient at w; NaN for optimizers that do not climb.
   */
  readonly perturbationCosine: number;
}

export interface Evaluation {
  readonly images: number;
  /** Mean cross-entropy. */
  readonly loss: number;
  readonly correct: number;
}

/** The whole state of training: host copies of the vectors that live on the device, by slot. */
export type State = ReadonlyMap<string, Float32Array>;

/** The sets of a data set; `validation` only where images were held out for it. */
export type Split = 'train' | 'validation' | 'test';

export interface Engine {
  /**
   * All that it remembers, weights and running statistics first: names of the authors' PyTorch code,
   * layout HWIO / IO.
   */
  readonly slots: readonly Slot[];
  /**
   * Runs training step `step` (0-based, over the whole run) on the training images `indices` [B].
   * Augmentation is drawn from the stream (seed, augmentation, step). Where there is a `traced`, it is
   * given TensorFlow's record of the step, which only `compiled` has.
   */
  trainStep(step: number, indices: Int32Array, learningRate: number, traced?: OnTrace): StepResult;
  /**
   * Loss and correct answers over a whole set, without augmentation, BatchNorm in evaluation mode.
   */
  evaluate(split: Split): Evaluation;
  /** The same, a batch each time it is asked to go on. */
  evaluateInParts(split: Split): Generator<undefined, Evaluation>;
  readState(): State;
  /** Throws an InternalError where a name or length differs from this engine's. */
  writeState(state: State): void;
  dispose(): void;
}

export interface EngineOptions {
  /**
   * `compiled`: one call of TensorFlow a step. `eager`: the same operations one by one, which
   * traces are held against. `stock`: tfjs's own operations one by one, as a tfjs program runs
   * without this project; the benchmark's baseline.
   */
  readonly mode: 'compiled' | 'eager' | 'stock';
}

/**
 * Builds the network of `config` for `dataset`, initialises it from the seed, and compiles its
 * steps.
 */
export type CreateEngine = (config: Config, dataset: Dataset, options: EngineOptions) => Engine;

/**
 * An experiment before it has data or state: the network, the optimizer, and the program over them.
 */
interface Plan {
  readonly network: Network;
  readonly optimizer: Optimizer;
  readonly slots: readonly Slot[];
  readonly program: ProgramSpec;
}

/**
 * Names of the functions that work through `count` images in batches: full ones, and a short last
 * one.
 */
interface Batches {
  readonly full: number;
  readonly last: number;
}

function batches(count: number, size: number): Batches {
  const full = Math.min(size, count);
  return { full, last: count % full };
}

const countOf = (shape: DatasetShape, split: Split): number => shape[`${split}Count`];

function plan(config: Config, shape: DatasetShape): Plan {
  const network = buildModel(config.model, shape);
  const optimizer = createOptimizer(config.optimizer);
  const { augmentation, labelSmoothing, microBatches, weightAverage } = config;
  const { labelNoise } = shape;
  const training = { augmentation, labelSmoothing, microBatches, weightAverage, labelNoise };
  const slots = slotsOf(network, optimizer, weightAverage !== null);
  const parts = { network, optimizer, slots, format: shape, ...training };
  const functions: Record<string, FunctionSpec> = {};
  const cover = (name: string, { full, last }: Batches, make: (size: number) => FunctionSpec) => {
    functions[name] = make(full);
    if (last > 0) functions[`${name}_last`] = make(last);
  };
  const { full, last } = batches(shape.trainCount, config.batchSize);
  const trained = { full, last: config.dropLast ? 0 : last };
  cover('train', trained, (size) => trainingStep(parts, size));
  for (const split of ['test', 'train', 'validation'] as const) {
    const count = countOf(shape, split);
    if (count === 0) continue;
    cover(`evaluate_${split}`, batches(count, config.evaluationBatchSize), (size) =>
      evaluationStep(parts, split, size),
    );
  }
  const image = [shape.height, shape.width, shape.channels];
  const labels = (count: number): TensorType => ({ dtype: 'int32', shape: [count] });
  const variables: TensorTypes = {
    ...Object.fromEntries(
      slots.map(({ name, size }) => [name, { dtype: 'float32', shape: [size] }] as const),
    ),
    trainImages: { dtype: 'uint8', shape: [shape.trainCount, ...image] },
    trainLabels: labels(shape.trainCount),
    ...(labelNoise ? { trainOriginalLabels: labels(shape.trainCount) } : {}),
    testImages: { dtype: 'uint8', shape: [shape.testCount, ...image] },
    testLabels: labels(shape.testCount),
    ...(shape.validationCount === 0
      ? {}
      : {
          validationImages: { dtype: 'uint8', shape: [shape.validationCount, ...image] },
          validationLabels: labels(shape.validationCount),
        }),
  };
  return { network, optimizer, slots, program: { variables, functions } };
}

/** The traced training step of `config` as text; needs no data. */
export function describeStep(config: Config, shape: DatasetShape): string {
  return describeFunction(traceProgram(plan(config, shape).program), 'train');
}

export const createEngine: CreateEngine = (config, dataset, { mode }) => {
  if (config.model.precision === 'bfloat16') requireBfloat16();
  const shape = shapeOf(dataset);
  const { network, optimizer, slots, program: spec } = plan(config, shape);
  const initial = initialState(network, slots, config.seed);
  const program = execute(spec, mode);
  program.write('trainImages', dataset.train.images);
  program.write('trainLabels', dataset.train.labels);
  if (shape.labelNoise) {
    const original = required(dataset.train.originalLabels, 'the labels before label noise');
    program.write('trainOriginalLabels', original);
  }
  program.write('testImages', dataset.test.images);
  program.write('testLabels', dataset.test.labels);
  if (dataset.validation !== undefined) {
    program.write('validationImages', dataset.validation.images);
    program.write('validationLabels', dataset.validation.labels);
  }

  const writeState = (state: State): void => {
    const names = slots.map(({ name }) => name);
    const extra = [...state.keys()].filter((name) => !names.includes(name));
    if (extra.length > 0) throw new InternalError(`the engine has no state ${extra.join(', ')}`);
    for (const name of names) program.write(name, required(state.get(name), `state ${name}`));
  };
  writeState(initial);

  return {
    slots,
    trainStep: (step, indices, learningRate, traced) => {
      const draws = drawAugmentation(
        randomStream(config.seed, 'augmentation', step),
        indices.length,
        shape,
        config.augmentation,
      );
      const scalars = Object.entries(optimizer.scalars(step, learningRate)).map(
        ([name, value]) => [name, Float32Array.of(value)] as const,
      );
      const { full } = batches(shape.trainCount, config.batchSize);
      const inputs = {
        indices,
        ...draws,
        ...(network.drawsRandom ? { seed: passSeed(config.seed, step) } : {}),
        ...Object.fromEntries(scalars),
      };
      const name = indices.length === full ? 'train' : 'train_last';
      const { measures } = program.run(name, inputs, traced);
      return stepResult(required(measures, 'measures'), {
        images: indices.length,
        perturbs: optimizer.perturbs,
        labelNoise: shape.labelNoise,
      });
    },
    evaluate: (split) => toEnd(evaluate(program, split, shape, config.evaluationBatchSize)),
    evaluateInParts: (split) => evaluate(program, split, shape, config.evaluationBatchSize),
    readState: () => new Map(slots.map(({ name }) => [name, program.read(name) as Float32Array])),
    writeState,
    dispose: () => {
      program.dispose();
    },
  };
};

function execute(spec: ProgramSpec, mode: EngineOptions['mode']): Program {
  switch (mode) {
    case 'compiled':
      return loadGraph(traceProgram(spec));
    case 'eager':
      return runEagerly(spec);
    case 'stock':
      return runOnStockOps(spec);
    default:
      return mode satisfies never;
  }
}

/** The same program by tfjs's own operations, with bytes as tfjs has them: int32. */
function runOnStockOps(spec: ProgramSpec): Program {
  const wide = Object.entries(spec.variables).map(
    ([name, type]) =>
      [name, type.dtype === 'uint8' ? { ...type, dtype: 'int32' as const } : type] as const,
  );
  const program = runEagerly({ ...spec, variables: Object.fromEntries(wide) });
  return {
    ...program,
    run: (...given) => withStockOps(() => program.run(...given)),
    write: (name, values) => {
      program.write(name, values instanceof Uint8Array ? Int32Array.from(values) : values);
    },
  };
}

/** What every slot holds before the first step. */
function initialState(network: Network, slots: readonly Slot[], seed: number): State {
  const drawn: Readonly<Record<string, Float32Array>> = network.initialise(seed);
  const initial = ({ name, size, start }: Slot): Float32Array => {
    if (start === 'zero') return new Float32Array(size);
    const source = start === 'initialised' ? name : start.averageOf;
    return required(drawn[source], `the initial ${source}`);
  };
  return new Map(slots.map((slot) => [slot.name, initial(slot)]));
}

/** Decides all that the network draws in a step. */
function passSeed(seed: number, step: number): Int32Array {
  const stream = randomStream(seed, 'dropout', step);
  return Int32Array.of(stream.bits(), stream.bits());
}

function stepResult(
  measures: TypedArray,
  {
    images,
    perturbs,
    labelNoise,
  }: { readonly images: number; readonly perturbs: boolean; readonly labelNoise: boolean },
): StepResult {
  const value = (name: (typeof MEASURES)[number]) =>
    required(measures[MEASURES.indexOf(name)], name);
  return {
    images,
    loss: value('loss'),
    correct: value('correct'),
    originalCorrect: labelNoise ? value('originalCorrect') : NaN,
    perturbedLoss: perturbs ? value('perturbedLoss') : NaN,
    perturbedCorrect: perturbs ? value('perturbedCorrect') : NaN,
    gradientNorm: value('gradientNorm'),
    perturbationCosine: perturbs ? value('perturbationCosine') : NaN,
  };
}

function toEnd<T>(parts: Generator<undefined, T>): T {
  let part = parts.next();
  while (part.done !== true) part = parts.next();
  return part.value;
}

function* evaluate(
  program: Program,
  split: Split,
  shape: DatasetShape,
  batchSize: number,
): Generator<undefined, Evaluation> {
  const count = countOf(shape, split);
  if (count === 0) throw new InternalError(`the data set has no images for ${split}`);
  const { full } = batches(count, batchSize);
  let [loss, correct] = [0, 0];
  for (let start = 0; start < count; start += full) {
    const size = Math.min(full, count - start);
    const indices = Int32Array.from({ length: size }, (_, i) => start + i);
    const name = size === full ? `evaluate_${split}` : `evaluate_${split}_last`;
    const { measures } = program.run(name, { indices });
    loss += required(measures?.[0], 'the loss');
    correct += required(measures?.[1], 'the correct answers');
    yield;
  }
  return { images: count, loss: loss / count, correct };
}
