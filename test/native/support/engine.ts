// Small experiments for tests of the engine: seconds for hundreds of steps.
import { batchAt } from '../../../src/data/image-source.js';
import { expect } from 'vitest';
import { configSchema, type Config, type OptimizerConfig } from '../../../src/catalogue/schema.js';
import { makeSynthetic } from '../../../src/data/synthetic.js';
import { type Engine } from '../../../src/session/engine.js';
import { type State } from '../../../src/session/slot.js';
import { createEngine, type EngineOptions } from '../../../src/tasks/engine.js';
import { openTensorFlow } from '../../../src/native/tensorflow.js';
import { required } from '../../../src/util/errors.js';
import { randomStream } from '../../../src/util/random.js';
import { distance } from './compare.js';
import { optimizerConfig } from './optimizers.js';

// Some who import this compute while their tests are collected.
openTensorFlow();

export interface TinyOptions {
  readonly optimizer?: OptimizerConfig;
  readonly seed?: number;
  readonly augmentation?: Partial<Config['augmentation']>;
  readonly width?: number;
  /** Side of an image, in pixels. */
  readonly size?: number;
  readonly channels?: 1 | 3;
  readonly train?: number;
  readonly batchSize?: number;
  readonly evaluationBatchSize?: number;
  /** Any other keys. */
  readonly keys?: Readonly<Record<string, unknown>>;
}

/** ResNet-18 of `width` channels on a synthetic set: 20 images in batches of 8, so that the last batch has 4. */
export function tinyConfig({
  optimizer = optimizerConfig({ name: 'fsam' }),
  seed = 1,
  augmentation = {},
  width = 4,
  size = 8,
  channels = 3,
  train = 20,
  batchSize = 8,
  evaluationBatchSize = 8,
  keys = {},
}: TinyOptions = {}): Config {
  return configSchema.parse({
    name: 'tiny',
    seed,
    batchSize,
    evaluationBatchSize,
    data: { name: 'synthetic', synthetic: { train, test: 12, size, channels, classes: 4 } },
    augmentation: { cropPadding: 1, cutout: 4, ...augmentation },
    model: { name: 'resnet18', width },
    optimizer,
    ...keys,
  });
}

export const tinyDataset = (config: Config) => makeSynthetic(config.data.synthetic, 1);

export function tinyEngine(config: Config, mode: EngineOptions['mode'] = 'compiled'): Engine {
  return createEngine(config, tinyDataset(config), { mode });
}

/** The images of step `step`: batch after batch of one order, the short last one included. */
export function batchOf({ data, batchSize }: Config, step: number): Int32Array {
  const { train } = data.synthetic;
  const start = (step % Math.ceil(train / batchSize)) * batchSize;
  return randomStream(1, 'order')
    .permutation(train)
    .slice(start, start + batchSize);
}

/** Runs steps `from` .. `to` - 1 at a fixed rate. */
export function train(engine: Engine, config: Config, from: number, to: number, rate = 0.05) {
  return Array.from({ length: to - from }, (_, i) =>
    engine.trainStep(from + i, batchAt(batchOf(config, from + i)), rate),
  );
}

/** The state as bytes, to be compared bit by bit. */
export const bytes = (state: State) =>
  Object.fromEntries(
    [...state].map(([name, { buffer, byteOffset, byteLength }]) => [
      name,
      Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    ]),
  );

/** Runs `steps` steps in an engine of its own; gives the state after them. */
export function after(config: Config, steps: number): State {
  const engine = tinyEngine(config);
  train(engine, config, 0, steps);
  const state = engine.readState();
  engine.dispose();
  return state;
}

/**
 * What of three steps at `rate` is further than `tolerance` apart, traced from eager: each measure
 * of each step, each state after the last.
 */
export const tracedFromEager = (config: Config, rate: number, tolerance: number): string[] =>
  apart([tinyEngine(config, 'compiled'), tinyEngine(config, 'eager')], config, rate, tolerance);

/** The same of two engines of a configuration, the one from the other; they are disposed of. */
export function apart(
  [one, other]: readonly [Engine, Engine],
  config: Config,
  rate: number,
  tolerance: number,
): string[] {
  const found: string[] = [];
  const compare = (what: string, got: ArrayLike<number>, wanted: ArrayLike<number>) => {
    const difference = distance(got, wanted);
    if (!(difference < tolerance)) found.push(`${what}: relative distance ${difference}`);
  };
  for (let step = 0; step < 3; step++) {
    const batch = [step, batchAt(batchOf(config, step)), rate] as const;
    const [got, wanted] = [one.trainStep(...batch), other.trainStep(...batch)];
    expect(Object.keys(got.numbers)).toEqual(Object.keys(wanted.numbers));
    for (const [name, value] of Object.entries(wanted.numbers)) {
      compare(`${name} of step ${step}`, [got.numbers[name] ?? NaN], [value]);
    }
  }
  const wanted = other.readState();
  for (const [name, values] of one.readState()) {
    compare(name, values, required(wanted.get(name), name));
  }
  one.dispose();
  other.dispose();
  return found;
}
