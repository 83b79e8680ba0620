// XLA: programs that it compiles give the numbers of those that it does not, are compiled as TensorFlow itself says, and
// are refused where they cannot be.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import type { Program, ProgramSpec } from '../../src/graph/program.js';
import { batchNormTraining } from '../../src/native/normalisation.js';
import { uniform } from '../../src/native/random.js';
import { runAfter } from '../../src/native/scope.js';
import { tf, type Tensor1D, type Tensor4D } from '../../src/native/tensorflow.js';
import { required, UserError } from '../../src/util/errors.js';
import { expectNoDifferences } from './support/compare.js';
import { apart, bytes, tinyConfig, tinyEngine, train } from './support/engine.js';

const vector = { dtype: 'float32', shape: [4] } as const;
const seed = { dtype: 'int32', shape: [2] } as const;

/** Reads and assigns, draws, waits, and has a function that computes nothing. */
const DRAWING: ProgramSpec = {
  variables: { s: vector, t: vector },
  functions: {
    step: {
      inputs: { x: vector, seed },
      state: ['s'],
      overwritten: ['t'],
      body: ({ s }, { x, seed: drawn }) => {
        const sum = tf.add(required(s, 's'), tf.exp(required(x, 'x')));
        const draws = runAfter([sum], () => uniform([4], required(drawn, 'seed') as Tensor1D));
        return {
          state: { s: tf.mul(sum, draws), t: tf.add(draws, 1) },
          outputs: { y: tf.sum(sum), draws, one: tf.scalar(1) },
        };
      },
    },
    take: {
      inputs: { x: vector },
      state: [],
      overwritten: ['t'],
      body: (_, { x }) => ({ state: { t: required(x, 'x') }, outputs: { x: required(x, 'x') } }),
    },
  },
};

function results(program: Program) {
  program.write('s', Float32Array.of(1, 2, 3, 4));
  const inputs = { x: Float32Array.of(0, 1, 2, 3), seed: Int32Array.of(3, 5) };
  const steps = [program.run('step', inputs), program.run('step', inputs)];
  const [s, t] = [program.read('s'), program.read('t')];
  const taken = program.run('take', { x: inputs.x });
  const after = program.read('t');
  program.dispose();
  return { steps, s, t, taken, after };
}

test('a program gives the same, its draws to the bit', () => {
  const [got, wanted] = [{ xla: true }, {}].map((options) =>
    results(loadGraph(traceProgram(DRAWING), options)),
  ) as [ReturnType<typeof results>, ReturnType<typeof results>];
  for (const [i, { y, draws, one }] of wanted.steps.entries()) {
    expect(got.steps[i]?.['draws']).toEqual(draws);
    expect(got.steps[i]?.['one']).toEqual(one);
    expect(got.steps[i]?.['y']?.[0]).toBeCloseTo(required(y?.[0], 'y'), 4);
  }
  got.s.forEach((value, i) => {
    expect(value).toBeCloseTo(required(wanted.s[i], 's'), 4);
  });
  expect([got.t, got.taken, got.after]).toEqual([wanted.t, wanted.taken, wanted.after]);
});

test('what XLA cannot compile is refused, not run op by op', () => {
  const images = { dtype: 'float32', shape: [2, 3, 3, 4] } as const;
  const graph = traceProgram({
    variables: {},
    functions: {
      normalise: {
        inputs: { x: images, scale: vector },
        state: [],
        body: (_, { x, scale }) => {
          const gamma = required(scale, 'scale') as Tensor1D;
          // An op of our own.
          return { outputs: { y: batchNormTraining(x as Tensor4D, gamma, gamma).y } };
        },
      },
    },
  });
  const program = loadGraph(graph, { xla: true });
  const run = () =>
    program.run('normalise', { x: new Float32Array(72), scale: new Float32Array(4) });
  expect(run).toThrow(UserError);
  expect(run).toThrow(
    /^xla: got on, and XLA has no NormalizeBatch, which normalise computes with; wanted off$/,
  );
  program.dispose();
});

const VIT = {
  optimizer: { name: 'adamw' },
  model: { name: 'vit', width: 8, patch: 4, layers: 1, heads: 2, dropout: 0.1, dropPath: 0.1 },
  microBatches: 2,
};
const RESNET = {
  optimizer: { name: 'sgd' },
  model: { name: 'wrn-10-1', width: 4, stageBlocks: 'paper' },
};

describe('training', () => {
  test.each([
    ['a transformer', VIT, 1e-4],
    ['a residual network', RESNET, 1e-3],
  ])('%s: losses and states are those without XLA', (_, keys, tolerance) => {
    expectNoDifferences((number) => {
      const config = tinyConfig({ seed: number, keys });
      const engines = [tinyEngine({ ...config, xla: 'on' }), tinyEngine(config)] as const;
      return apart(engines, config, 0.05, tolerance);
    });
  });

  test('two runs give the same bytes', () => {
    const config = { ...tinyConfig({ keys: VIT }), xla: 'on' as const };
    const [one, two] = [0, 1].map(() => {
      const engine = tinyEngine(config);
      const numbers = train(engine, config, 0, 3);
      const state = bytes(engine.readState());
      engine.dispose();
      return { numbers, state };
    });
    expect(one).toEqual(two);
  });
});

test('TensorFlow says that it compiled the step of a configuration', () => {
  const script = fileURLToPath(new URL('../../scripts/check-xla.mjs', import.meta.url));
  const words = [script, '--only', 'tiny/cifar10-vit', '--precision', 'float32'];
  const said = execFileSync(process.execPath, words, { encoding: 'utf8' });
  expect(said).toContain('| tiny/cifar10-vit | float32 | train evaluate_test |');
  expect(said).toContain('1 configurations: 0 failed');
});

test('several devices are refused', () => {
  const { name, data, model, optimizer } = tinyConfig();
  const refused = configSchema.safeParse({ name, data, model, optimizer, xla: 'on', devices: 2 });
  expect(refused.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
    ['xla', 'wanted off with devices 2: a step that XLA compiles is on one'],
  ]);
});
