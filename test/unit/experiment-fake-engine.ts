// A tiny deterministic engine, no TensorFlow in it: every step changes all of the state, by state, images, step and rate.
import { examplesIn, shapeOf } from '../../src/data/dataset.js';
import { sourceOf } from '../../src/data/set-source.js';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { stepsPerEpoch } from '../../src/experiment/steps.js';
import type { Interruption } from '../../src/experiment/interruption.js';
import type { Split } from '../../src/data/dataset.js';
import { required } from '../../src/util/errors.js';
import type { Engine } from '../../src/session/engine.js';
import type { CreateEngine } from '../../src/tasks/engine.js';
import { createTask } from '../../src/tasks/tasks.js';

export interface FakeOptions {
  /** Channels of its one convolution. */
  readonly width?: number;
  /** Called after each step. */
  readonly onStep?: (step: number) => void;
  /** Called before each part of an evaluation (from 0). */
  readonly onEvaluation?: (part: number) => void;
  /** The step (from 0) whose loss is NaN. */
  readonly failAt?: number;
  /** Steps of the run that another engine did, for `correct`. */
  readonly stepsBefore?: number;
  /** Correct answers of the evaluations of each set, epoch by epoch; left out: by the weights. */
  readonly correct?: Readonly<Partial<Record<Split, readonly number[]>>>;
  /** The same of their losses. */
  readonly loss?: Readonly<Partial<Record<Split, readonly number[]>>>;
}

/** Two epochs and a bit of 20 images in batches of 6: three full ones and one of 2. */
export function fakeConfig(changes: Record<string, unknown> = {}): Config {
  return configSchema.parse({
    name: 'fake',
    epochs: 3,
    batchSize: 6,
    data: { name: 'synthetic', synthetic: { train: 20, test: 8, size: 4, classes: 4 } },
    model: { name: 'resnet18', width: 1 },
    optimizer: { name: 'fsam' },
    ...changes,
  });
}

export function fakeEngine({
  width = 2,
  onStep,
  onEvaluation,
  failAt,
  stepsBefore = 0,
  correct,
  loss: losses,
}: FakeOptions = {}): CreateEngine {
  return (config, dataset) => {
    const size = 9 * width + width;
    const state = new Map([
      ['parameters', Float32Array.from({ length: size }, (_, i) => Math.cos(i + config.seed))],
      ['statistics', new Float32Array(3)],
      ['momentum', new Float32Array(size)],
      ['ema', new Float32Array(size)],
    ]);
    let done = stepsBefore;
    const vector = (name: string) => state.get(name) ?? new Float32Array();
    const { batchSize, dropLast, seed } = config;
    const batching = { size: batchSize, dropLast, shuffledBy: seed };
    const engine: Engine = {
      together: null,
      measures: createTask(config, shapeOf(dataset)).measures.filter(
        ({ column }) => column !== 'train_accuracy_clean',
      ),
      training: sourceOf('train', shapeOf(dataset), batching, dataset),
      fullGradient: () => null,
      probe: () => null,
      probed: () => ({}),
      slots: [
        {
          name: 'parameters',
          size,
          tensors: [
            { name: 'conv1.weight', shape: [3, 3, 1, width], offset: 0 },
            { name: 'conv1.bias', shape: [width], offset: 9 * width },
          ],
          start: 'initialised',
        },
        {
          name: 'statistics',
          size: 3,
          tensors: [{ name: 'bn1.running_mean', shape: [3], offset: 0 }],
          start: 'initialised',
        },
        ...['momentum', 'ema'].map((name) => ({
          name,
          size,
          tensors: [{ name: `optimizer.${name}`, shape: [size], offset: 0 }],
          start: 'zero' as const,
        })),
      ],
      trainStep: (step, { examples, inputs }, learningRate) => {
        const indices = inputs['indices'] ?? [];
        const [w, m, ema] = [vector('parameters'), vector('momentum'), vector('ema')];
        const s = vector('statistics');
        let [loss, norm] = [0, 0];
        for (let i = 0; i < size; i++) {
          let g = 0;
          for (const [j, index] of [...indices].entries()) {
            g += Math.sin((w[i] ?? 0) + 0.37 * index * (i + 1) + 0.01 * j + step);
          }
          ema[i] = 0.6 * (ema[i] ?? 0) + 0.4 * g;
          m[i] = 0.9 * (m[i] ?? 0) + g - 0.1 * (ema[i] ?? 0);
          w[i] = (w[i] ?? 0) - learningRate * (m[i] ?? 0);
          loss += Math.abs(g) / size;
          norm += g * g;
        }
        for (let i = 0; i < 3; i++) s[i] = 0.9 * (s[i] ?? 0) + 0.1 * loss;
        onStep?.(step);
        done = step + 1;
        return {
          examples,
          numbers: {
            train_loss: step === failAt ? NaN : loss,
            train_accuracy: Math.floor(examples / 2),
            perturbed_loss: 1.1 * loss,
            perturbed_accuracy: 1,
            gradient_norm: Math.sqrt(norm),
            perturbation_cosine: Math.cos(norm),
          },
        };
      },
      evaluate: async (split) => {
        const parts = engine.evaluateInParts(split);
        let part = await parts.next();
        while (part.done !== true) part = await parts.next();
        return required(part.value ?? undefined, 'the evaluation');
      },
      evaluateInParts: async function* (split) {
        for (let i = 0; i < 3; i++) {
          onEvaluation?.(i);
          await Promise.resolve();
          yield;
        }
        const images = examplesIn(dataset[split] ?? dataset.test);
        const sum = vector('parameters').reduce((a, b) => a + b, vector('statistics')[0] ?? 0);
        const byWeights = Math.floor(Math.abs(sum * 7)) % images;
        const epoch = Math.ceil(done / stepsPerEpoch(examplesIn(dataset.train), config));
        const right = correct?.[split]?.[epoch - 1] ?? byWeights;
        const accuracy = (100 * right) / images;
        return {
          examples: images,
          numbers: {
            [`${split}_loss`]: losses?.[split]?.[epoch - 1] ?? Math.abs(sum),
            [`${split}_accuracy`]: accuracy,
          },
        };
      },
      readState: () => new Map([...state].map(([name, values]) => [name, values.slice()])),
      writeState: (from) => {
        for (const [name, values] of from) vector(name).set(values);
      },
      dispose: () => undefined,
    };
    return engine;
  };
}

/** The request of a run in `folder` that tells nobody of its progress. */
export function fakeRequest(folder: string, options: FakeOptions & { config?: Config } = {}) {
  const notes: string[] = [];
  const interruption: Interruption = { signal: null };
  return {
    config: options.config ?? fakeConfig(),
    folder,
    workingFolder: process.cwd(),
    resume: false,
    overwrite: false,
    environment: { device: 'CPU' },
    createEngine: fakeEngine(options),
    reporter: {
      indexing: () => undefined,
      start: () => undefined,
      step: () => undefined,
      epoch: () => undefined,
      note: (text: string) => notes.push(text),
      end: () => undefined,
    },
    interruption,
    notes,
  };
}
