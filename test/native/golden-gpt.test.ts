// The language model against plain PyTorch in double precision (gpt.json; test/golden/README.md): one pass of
// three models, and four steps of AdamW, SAM and F-SAM.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configSchema, type Config } from '../../src/catalogue/schema.js';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { FunctionSpec, Program, ProgramSpec } from '../../src/graph/program.js';
import { buildModel } from '../../src/models/models.js';
import { tf, type Scalar, type Tensor1D } from '../../src/native/tensorflow.js';
import { sizeOf } from '../../src/native/types.js';
import { ALIKE } from '../../src/optim/rule.js';
import { norm } from '../../src/optim/vector.js';
import { trainOn, wholly } from '../../src/session/passes.js';
import { createTask } from '../../src/tasks/tasks.js';
import { required } from '../../src/util/errors.js';
import { expectNear, l2 } from './support/compare.js';
import {
  concatenated,
  goldenTokens,
  goldenValues,
  inOurLayout,
  ourShape,
  piece,
  type GoldenTensor,
} from './support/golden.js';
import { optimizerOf } from './support/optimizers.js';

interface Options {
  readonly layers: number;
  readonly heads: number;
  readonly size: number;
  readonly context: number;
  readonly vocabulary: number;
  readonly bias: boolean;
  readonly tied: boolean;
}

interface Run {
  readonly kind: string;
  readonly options: {
    readonly decay?: 'all';
    readonly clip?: number;
    readonly climb?: 'sam' | 'fsam';
  };
  readonly steps: readonly Readonly<Record<string, number>>[];
  readonly final_logits_row0_last: readonly number[];
  readonly final_logits_l2: number;
  readonly final_tensor_l2: Readonly<Record<string, number>>;
  readonly final_head: readonly number[];
}

interface File {
  readonly models: readonly {
    readonly options: Options;
    readonly input: readonly [number, number];
    readonly parameters: number;
    readonly tensors: readonly GoldenTensor[];
    readonly tokens_row0: readonly number[];
    readonly logits_row0: readonly (readonly number[])[];
    readonly logits_l2: number;
    readonly loss: number;
    readonly grad_norms: Readonly<Record<string, number>>;
    readonly grad_norm: number;
  }[];
  readonly counted: {
    readonly options: Options;
    readonly parameters: number;
    readonly tensors: readonly (readonly [string, readonly number[]])[];
    readonly decayed: number;
  };
  readonly adamw: Readonly<Record<'beta1' | 'beta2' | 'epsilon' | 'weightDecay', number>>;
  readonly rho: number;
  readonly sigma: number;
  readonly lambda: number;
  readonly decayed: readonly string[];
  readonly runs: readonly Run[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/gpt.json', import.meta.url), 'utf8'),
) as File;
const BATCH = 4;

/** Tables are [V D] in both; of linear weights ours are [in out]. */
const isTable = (name: string): boolean => /\.w[tp]e\./.test(name);
const shapeOfOurs = (name: string, shape: readonly number[]): readonly number[] =>
  isTable(name) ? shape : ourShape(shape);

function configOf(
  { size, context, layers, heads, bias, tied }: Options,
  optimizer: object,
): Config {
  return configSchema.parse({
    name: 'golden',
    data: { name: 'moby-dick', context },
    model: { name: 'gpt', width: size, layers, heads, bias, tied },
    optimizer: { name: 'adamw', ...optimizer },
  });
}

const networkOf = (options: Options) =>
  buildModel(configOf(options, {}).model, {
    context: options.context,
    classes: options.vocabulary,
  });

const parametersOf = (tensors: readonly GoldenTensor[]): Float32Array =>
  concatenated(
    tensors.map((tensor, k) => {
      const [name, shape] = tensor;
      const values = goldenValues(tensor, k);
      return isTable(name) ? values : inOurLayout(values, shape);
    }),
  );

/** `step` trains on a batch; `evaluation` gives logits. */
function programOf(options: Options, config: Config): ProgramSpec {
  const network = networkOf(options);
  const { context, vocabulary } = options;
  const optimizer = optimizerOf(config.optimizer, network.parameters.tensors);
  const counts = { trainCount: 1, testCount: 1, validationCount: 0, labelNoise: false };
  const task = createTask(config, {
    ...{ classes: vocabulary, context, tokensPerCharacter: { train: 1, validation: 1, test: 1 } },
    ...counts,
  });
  const tokens = { dtype: 'int32', shape: [BATCH, context + 1] } as const;
  const vector = { dtype: 'float32', shape: [network.parameters.size] } as const;
  const scalars = Object.keys(optimizer.scalars(0, 0));
  const step: FunctionSpec = {
    inputs: {
      tokens,
      ...Object.fromEntries(scalars.map((name) => [name, { dtype: 'float32', shape: [] }])),
    },
    state: ['parameters', 'statistics', ...optimizer.state],
    body: (state, inputs) => {
      const batch = wholly(task.augmented({ tokens: required(inputs['tokens'], 'tokens') }, {}));
      const settings = { network, optimizer, task, microBatches: 1 };
      const { parts, ...trained } = trainOn(settings, batch, undefined, state, inputs, ALIKE);
      const { first, perturbed } = required(parts[0], 'the pass');
      const up = perturbed && {
        perturbation_norm: norm(perturbed.perturbation),
        perturbed_loss: perturbed.pass.loss,
        perturbed_grad_norm: norm(perturbed.pass.gradient),
      };
      return {
        state: trained.state,
        outputs: {
          gradient: first.gradient,
          loss: first.loss,
          ...(up ?? {}),
        },
      };
    },
  };
  return {
    variables: {
      parameters: vector,
      statistics: { dtype: 'float32', shape: [0] },
      ...Object.fromEntries(optimizer.state.map((name) => [name, vector])),
    },
    functions: {
      step,
      evaluation: {
        inputs: { tokens },
        state: ['parameters', 'statistics'],
        body: (state, inputs) => {
          const batch = task.plain({ tokens: required(inputs['tokens'], 'tokens') });
          const [w, s] = [state['parameters'], state['statistics']] as [Tensor1D, Tensor1D];
          const { output } = network.forward(w, s, batch.input, 'evaluation');
          const [, loss] = task
            .evaluated('test')
            .flatMap(({ measure, of }) =>
              measure === 'loss' ? [0, of(output, batch.targets)] : [],
            );
          return {
            outputs: { logits: output, loss: tf.div<Scalar>(loss as Scalar, BATCH) },
          };
        },
      },
    },
  };
}

function opened(how: 'eager' | 'traced', options: Options, config: Config): Program {
  const spec = programOf(options, config);
  const program = how === 'eager' ? runEagerly(spec) : loadGraph(traceProgram(spec));
  for (const [name, { shape }] of Object.entries(spec.variables)) {
    program.write(name, new Float32Array(sizeOf(shape)));
  }
  return program;
}

test('is as large as the network of the CPU recipe, tensor by tensor', () => {
  const { options, tensors, parameters: size, decayed } = golden.counted;
  const { parameters } = networkOf(options);
  expect(parameters.size).toBe(size);
  expect(parameters.tensors.map(({ name, shape }) => [name, shape])).toEqual(
    tensors.map(([name, shape]) => [name, shapeOfOurs(name, shape)]),
  );
  const matrices = parameters.tensors.filter(({ shape }) => shape.length > 1);
  expect(matrices.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(decayed);
});

describe.each(golden.models)('$options', (model) => {
  const { options, tensors, input } = model;
  const tokens = goldenTokens(0, input[0], options.context, options.vocabulary);

  test('has the parameters of the PyTorch network, in its order', () => {
    const { parameters } = networkOf(options);
    expect(parameters.size).toBe(model.parameters);
    expect(parameters.tensors.map(({ name, shape }) => [name, shape])).toEqual(
      tensors.map(([name, shape]) => [name, shapeOfOurs(name, shape)]),
    );
    expect([...tokens.subarray(0, options.context)]).toEqual(model.tokens_row0);
  });

  test.each(['eager', 'traced'] as const)('computes what PyTorch does, %s', (how) => {
    const config = configOf(options, {});
    const program = opened(how, options, config);
    program.write('parameters', parametersOf(tensors));
    const { logits, loss } = program.run('evaluation', { tokens });
    const row = options.context * options.vocabulary;
    expectNear('logits', (logits as Float32Array).subarray(0, row), model.logits_row0.flat(), 2e-6);
    expectNear('length of the logits', l2(logits as Float32Array), model.logits_l2, 1e-6);
    expectNear('evaluated loss', loss as Float32Array, [model.loss], 1e-6);
    const { scalars } = optimizerOf(config.optimizer, networkOf(options).parameters.tensors);
    const step = program.run('step', { tokens, ...fed(scalars(0, 0.1)) });
    expectNear('loss', step['loss'] as Float32Array, [model.loss], 1e-6);
    const gradient = step['gradient'] as Float32Array;
    expectNear('gradient', l2(gradient), model.grad_norm, 3e-6);
    const { parameters } = networkOf(options);
    for (const [name, wanted] of Object.entries(model.grad_norms)) {
      expectNear(`gradient of ${name}`, l2(piece(parameters, gradient, name)), wanted, 5e-6);
    }
    program.dispose();
  });
});

const fed = (numbers: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(numbers).map(([name, x]) => [name, Float32Array.of(x)]));

describe.each(golden.runs)('four steps of $kind', (run) => {
  const [{ options, tensors }] = golden.models as [File['models'][number]];
  const { decay, clip, climb } = run.options;
  const { rho, sigma, lambda } = golden;
  const { beta1, beta2, epsilon, weightDecay } = golden.adamw;
  const config = configOf(options, {
    name: climb ?? 'adamw',
    base: 'adamw',
    ...{ rho, sigma, lambda, beta1, beta2, epsilon, weightDecay },
    decayed: decay === 'all' ? 'all' : 'matrices',
    clipNorm: clip ?? null,
  });
  const { parameters } = networkOf(options);

  test.each(['eager', 'traced'] as const)('as in PyTorch, %s', (how) => {
    const program = opened(how, options, config);
    program.write('parameters', parametersOf(tensors));
    const { scalars } = optimizerOf(config.optimizer, parameters.tensors);
    const measured = ['loss', 'perturbation_norm', 'perturbed_loss', 'perturbed_grad_norm'];
    for (const [t, wanted] of run.steps.entries()) {
      const number = (name: string): number => required(wanted[name], name);
      const tokens = goldenTokens(t, BATCH, options.context, options.vocabulary);
      const inputs = { tokens, ...fed(scalars(t, number('lr'))) };
      const { gradient, ...got } = program.run('step', inputs);
      const length = l2(gradient as Float32Array);
      expectNear(`gradient of step ${t}`, length, number('grad_norm'), 5e-6);
      const there = measured.filter((name) => name in wanted);
      expect(Object.keys(got).sort()).toEqual([...there].sort());
      for (const name of there) {
        const bound = name.endsWith('loss') ? 2e-6 : 2e-5;
        expectNear(`${name} of step ${t}`, required(got[name], name), [number(name)], bound);
      }
      const after = l2(program.read('parameters'));
      expectNear(`length of w after step ${t}`, after, number('param_l2'), 1e-6);
    }
    const w = program.read('parameters') as Float32Array;
    expectNear('first weights', w.subarray(0, 8), run.final_head, 1e-5);
    for (const [name, length] of Object.entries(run.final_tensor_l2)) {
      // Biases of keys have the gradient 0, of whose roundings Adam makes steps as large as any.
      if (name.endsWith('c_attn.bias')) continue;
      expectNear(name, l2(piece(parameters, w, name)), length, 2e-6);
    }
    const tokens = goldenTokens(0, BATCH, options.context, options.vocabulary);
    const logits = program.run('evaluation', { tokens })['logits'] as Float32Array;
    const last = (options.context - 1) * options.vocabulary;
    const ofLast = logits.subarray(last, last + options.vocabulary);
    expectNear('logits of the last place', ofLast, run.final_logits_row0_last, 1e-5);
    expectNear('length of the logits', l2(logits), run.final_logits_l2, 1e-6);
    program.dispose();
  });
});

test('what is decayed are the tensors of two dimensions, tables among them', () => {
  const [{ options }] = golden.models as [File['models'][number]];
  const { tensors } = networkOf(options).parameters;
  const matrices = tensors.filter(({ shape }) => shape.length > 1).map(({ name }) => name);
  expect(matrices).toEqual(golden.decayed);
});
