// The task language over a text of its own: what it measures, by hand, and that runs of it stop, go on and share
// batches as any.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { ofText, type Dataset } from '../../src/data/dataset.js';
import { loadDataset } from '../../src/data/load.js';
import { textSource } from '../../src/data/text/text-source.js';
import { openTensorFlow } from '../../src/native/tensorflow.js';
import type { Engine } from '../../src/session/engine.js';
import { openContinuation } from '../../src/tasks/continuation.js';
import { createEngine } from '../../src/tasks/engine.js';
import { required } from '../../src/util/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { expectNear } from './support/compare.js';
import { bytes } from './support/engine.js';

openTensorFlow();

const file = join(temporaryFolder(), 'text.txt');
// Two bytes each are 300 of its characters.
writeFileSync(file, 'die Nähmaschine näht über die Straße; '.repeat(60) + 'ä'.repeat(120));

const configOf = (keys: object = {}, data: object = {}): Config =>
  configSchema.parse({
    name: 'language',
    batchSize: 6,
    evaluationBatchSize: 7,
    data: { name: 'text', directory: file, context: 8, windows: 20, ...data },
    model: { name: 'gpt', width: 8, layers: 2, heads: 2 },
    optimizer: { name: 'fsam', base: 'adamw', rho: 0.05, decayed: 'matrices', clipNorm: 1 },
    ...keys,
  });

const opened = async (
  config: Config,
  mode: 'compiled' | 'eager' = 'compiled',
): Promise<{ engine: Engine; dataset: Dataset }> => {
  const dataset = await loadDataset(config.data, config.seed);
  return { engine: createEngine(config, dataset, { mode }), dataset };
};

/** Steps `from` to `to` of the first epoch. */
async function train(engine: Engine, from: number, to: number) {
  const found: Readonly<Record<string, number>>[] = [];
  let step = from;
  for await (const batch of required(engine.training ?? undefined, 'training').batches(0, from)) {
    if (step === to) break;
    found.push(engine.trainStep(step++, batch, 1e-2).numbers);
  }
  return found;
}

test('measures the loss of the next token, its perplexity, and bits per character', async () => {
  const config = configOf({}, { tokens: 'bytes', validation: 5, subset: { test: 9 } });
  const { engine, dataset } = await opened(config);
  await train(engine, 0, 2);
  const set = ofText(dataset);
  const state = engine.readState();
  const continuation = openContinuation(config, set.classes);
  continuation.writeState(state);
  for (const split of ['test', 'validation'] as const) {
    // By the logits after each beginning of each window, one by one.
    let [sum, count, characters] = [0, 0, 0];
    const batching = { size: 1, dropLast: false, shuffledBy: null };
    const source = textSource(split, { ...config.data, ...counts(set) }, batching, set[split]);
    for await (const { inputs } of source.batches(0, 0)) {
      const window = [...required(inputs['tokens'], 'tokens')];
      for (let length = 1; length < window.length; length++) {
        const logits = continuation.next(window.slice(0, length));
        const total = logits.reduce((all, logit) => all + Math.exp(logit), 0);
        sum += Math.log(total) - (logits[window[length] ?? 0] ?? NaN);
        count++;
        // The first byte of one.
        if (((window[length] ?? 0) & 0xc0) !== 0x80) characters++;
      }
    }
    const { numbers, examples } = await engine.evaluate(split);
    expect(examples).toBe(split === 'test' ? 9 : 5);
    expect(count).toBe(8 * examples);
    const loss = sum / count;
    expectNear('loss', numbers[`${split}_loss`] ?? NaN, loss, 2e-6);
    expectNear('perplexity', numbers[`${split}_perplexity`] ?? NaN, Math.exp(loss), 1e-5);
    const bits = (loss / Math.LN2) * (count / characters);
    expectNear('bits', numbers[`${split}_bits_per_character`] ?? NaN, bits, 2e-6);
  }
  continuation.dispose();
  engine.dispose();
});

const counts = (set: ReturnType<typeof ofText>) => ({
  classes: set.classes,
  tokensPerCharacter: set.tokensPerCharacter,
  labelNoise: false,
  trainCount: set.train.examples,
  testCount: set.test.examples,
  validationCount: set.validation?.examples ?? 0,
});

describe('a run', () => {
  test('learns, and stopped and resumed gives the same bytes', async () => {
    const config = configOf({
      model: { name: 'gpt', width: 8, layers: 2, heads: 2, dropout: 0.1 },
    });
    const [{ engine: straight }, { engine: resumed }] = await Promise.all([
      opened(config),
      opened(config),
    ]);
    await train(straight, 0, 2);
    resumed.writeState(straight.readState());
    const [a, b] = [await train(straight, 2, 4), await train(resumed, 2, 4)];
    expect(b).toEqual(a);
    expect(bytes(resumed.readState())).toEqual(bytes(straight.readState()));
    // The last batch of 20 windows has 2.
    expect(a).toHaveLength(2);
    for (const engine of [straight, resumed]) engine.dispose();
  });

  test('is the same eager, and in parts side by side as one after the other', async () => {
    const keys = { microBatches: 2 };
    const engines = await Promise.all([
      opened(configOf(keys)),
      opened(configOf(keys), 'eager'),
      opened(configOf({ devices: 2 })),
    ]);
    const [first, eager, devices] = await Promise.all(
      engines.map(({ engine }) => train(engine, 0, 2)),
    );
    for (const [i, numbers] of (first ?? []).entries()) {
      for (const column of ['train_loss', 'gradient_norm', 'perturbed_loss']) {
        expectNear(column, eager?.[i]?.[column] ?? NaN, numbers[column] ?? NaN, 2e-5);
        expectNear(column, devices?.[i]?.[column] ?? NaN, numbers[column] ?? NaN, 2e-5);
      }
    }
    for (const { engine } of engines) engine.dispose();
  });

  test('with smoothed labels descends what is spread', async () => {
    const config = configOf({ labelSmoothing: 0.25, optimizer: { name: 'sgd' } });
    const { engine, dataset } = await opened(config);
    const { engine: plain } = await opened(configOf({ optimizer: { name: 'sgd' } }));
    const [[smooth], [sharp]] = [await train(engine, 0, 1), await train(plain, 0, 1)];
    // At first all tokens are about as likely: the loss is the logarithm of their number either way.
    const even = Math.log(dataset.classes);
    expect(smooth?.['train_loss']).toBeCloseTo(even, 1);
    expect(sharp?.['train_loss']).toBeCloseTo(even, 1);
    expect(smooth?.['train_loss']).not.toBe(sharp?.['train_loss']);
    engine.dispose();
    plain.dispose();
  });
});

test('no token sees those after it', async () => {
  const config = configOf();
  const { engine, dataset } = await opened(config);
  const continuation = openContinuation(config, dataset.classes);
  continuation.writeState(engine.readState());
  const alone = continuation.next([1, 2, 3]);
  expect(continuation.next([1, 2, 3])).toEqual(alone);
  // Of nine tokens the last eight are seen.
  const [nine, eight] = [
    continuation.next([5, 1, 2, 3, 4, 1, 2, 3, 4]),
    continuation.next([1, 2, 3, 4, 1, 2, 3, 4]),
  ];
  expect(nine).toEqual(eight);
  expect(continuation.next([2, 2, 3])).not.toEqual(alone);
  continuation.dispose();
  engine.dispose();
});
