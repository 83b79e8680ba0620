// Batches that are no images, through the engine: the next token told from this one, worked out by hand.
import { expect, test } from 'vitest';
import { InternalError, required } from '../../src/util/errors.js';
import type { TaskRow } from '../../src/catalogue/tasks.js';
import type { HostBatch, Source } from '../../src/data/source.js';
import { sparseCrossEntropy } from '../../src/native/kernels.js';
import { ofRank } from '../../src/native/rank.js';
import { openTensorFlow, tf, type Scalar, type Tensor } from '../../src/native/tensorflow.js';
import { constant } from '../../src/nn/initialisation.js';
import { NetworkBuilder, type Network } from '../../src/nn/network.js';
import { openEngine } from '../../src/session/engine.js';
import { trainingSlots } from '../../src/session/slot.js';
import type { Targets } from '../../src/session/batch.js';
import type { Task } from '../../src/session/task.js';
import { LOSSES, measuresOf, STEPS } from '../../src/tasks/measures.js';
import { buildModel } from '../../src/models/models.js';
import { optimizerConfig, optimizerOf } from './support/optimizers.js';
import { tinyConfig } from './support/engine.js';

openTensorFlow();

const [BATCH, TOKENS, WORDS, RATE] = [3, 4, 5, 0.5] as const;
/** [B T] */
const [THIS, NEXT] = [
  [0, 1, 2, 3, 1, 1, 4, 0, 2, 2, 3, 1],
  [1, 2, 3, 1, 1, 4, 0, 2, 2, 3, 1, 0],
];

/** Logits by token, from a table and a bias: [B T] -> [B T V]. */
function bigram(): Network {
  const builder = new NetworkBuilder();
  const table = builder.parameter('table', [WORDS, WORDS], constant(0));
  const bias = builder.parameter('bias', [WORDS], constant(0));
  return builder.buildOver(2, 'bigram', (tokens, pass) => {
    const flat = tf.reshape(tf.oneHot(tokens, WORDS, 1, 0, 'float32'), [-1, WORDS]);
    const rows = tf.matMul(ofRank(flat, 2, 'tokens'), ofRank(pass.parameter(table), 2, 'table'));
    return tf.reshape(tf.add(rows, pass.parameter(bias)), [...tokens.shape, WORDS]);
  });
}

const ROW = {
  reads: 'tokens',
  examples: 'windows',
  training: {
    train_loss: { name: 'training loss', tag: 'train/loss', unit: 'number', console: true },
  },
  evaluation: { loss: { unit: 'number', plural: 'losses' } },
  steps: {
    gradient_norm: { name: 'gradient norm', tag: 'train/norm', unit: 'number', console: false },
  },
  best: { measure: 'loss', is: 'lowest' },
} as const satisfies TaskRow;

/** Of every token. [B*T] */
function losses(output: Tensor, { next }: Targets) {
  const logits = ofRank(output, 3, 'the logits');
  const [, , words] = logits.shape;
  const labels = tf.reshape(ofRank(required(next, 'next'), 2, 'next'), [-1]);
  return sparseCrossEntropy(tf.reshape(logits, [-1, words]), labels as never);
}

const batchOf = ({ tokens, next }: Readonly<Record<string, Tensor>>) => ({
  input: required(tokens, 'tokens'),
  targets: { next: required(next, 'next') },
});

const task: Task = {
  drawn: () => ({}),
  draw: () => ({}),
  augmented: batchOf,
  plain: batchOf,
  loss: (output, targets) => tf.mean<Scalar>(losses(output, targets)),
  count: () => ({}),
  ...measuresOf(
    ROW,
    {
      training: { train_loss: LOSSES.train_loss },
      evaluation: {
        // Of an example, the mean over its tokens.
        loss: (output, targets) => tf.div(tf.sum(losses(output, targets)), tf.scalar(TOKENS)),
      },
      steps: { gradient_norm: STEPS.gradient_norm },
    },
    { climb: false, labelNoise: false, validation: false },
  ),
};

const batch: HostBatch = {
  examples: BATCH,
  inputs: { tokens: Int32Array.from(THIS), next: Int32Array.from(NEXT) },
};

/** A stream: it feeds the tokens themselves. */
const source: Source = {
  examples: BATCH,
  sizes: [BATCH],
  held: {},
  fed: (size) => ({ begin: 0, size }),
  inputs: (size) => ({
    tokens: { dtype: 'int32', shape: [size, TOKENS] },
    next: { dtype: 'int32', shape: [size, TOKENS] },
  }),
  lent: [],
  gather: (_, inputs) => inputs,
  batches: async function* () {
    await Promise.resolve();
    yield batch;
  },
};

/** Mean loss and its gradient at w, a table [V V] and a bias [V] after it, in double precision. */
function byHand(w: readonly number[]): { loss: number; gradient: number[] } {
  const gradient = w.map(() => 0);
  const bias = WORDS * WORDS;
  let loss = 0;
  THIS.forEach((token, i) => {
    const row = NEXT.slice(0, WORDS).map((_, j) => Math.exp(w[token * WORDS + j]! + w[bias + j]!));
    const total = row.reduce((a, b) => a + b);
    loss -= Math.log(row[NEXT[i]!]! / total) / THIS.length;
    row.forEach((value, j) => {
      const share = (value / total - Number(j === NEXT[i])) / THIS.length;
      for (const place of [token * WORDS, bias]) gradient[place + j]! += share;
    });
  });
  return { loss, gradient };
}

test.each([1, 3])('trained and evaluated in %i parts', async (microBatches) => {
  const network = bigram();
  const config = optimizerConfig({ name: 'sgd', momentum: 0, weightDecay: 0 });
  const optimizer = optimizerOf(config, network.parameters.tensors);
  const slots = trainingSlots(network, optimizer, null);
  const parts = { network, optimizer, task, slots, microBatches, seed: 1 };
  const engine = openEngine(
    { ...parts, training: source, evaluated: { test: source } },
    'compiled',
  );
  let w = new Array<number>(WORDS * WORDS + WORDS).fill(0);
  for (const step of [0, 1]) {
    const { loss, gradient } = byHand(w);
    const { numbers } = engine.trainStep(step, batch, RATE);
    expect(numbers['train_loss']).toBeCloseTo(loss, 5);
    expect(numbers['gradient_norm']).toBeCloseTo(Math.hypot(...gradient), 5);
    w = w.map((value, i) => value - RATE * gradient[i]!);
  }
  expect(Object.keys((await engine.evaluate('test')).numbers)).toEqual(['test_loss']);
  expect((await engine.evaluate('test')).numbers['test_loss']).toBeCloseTo(byHand(w).loss, 5);
  engine.dispose();
});

test('a network refuses what has not the rank of its input', () => {
  const images = buildModel(tinyConfig().model, { height: 8, width: 8, channels: 3, classes: 4 });
  const vector = tf.zeros([images.parameters.size]);
  const pass = () => images.forward(vector as never, vector as never, tf.zeros([2, 7]), 'training');
  expect(pass).toThrow(InternalError);
  expect(pass).toThrow('the input of resnet18 has the shape [2 7], wanted rank 4');
});
