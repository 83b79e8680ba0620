// Computing in bfloat16: values of a hand-rounded reference, gradients near float32's, the same bytes eager and traced,
// and what of a training step is in which type.
import { describe, expect, test } from 'vitest';
import { loadGraph, traceProgram, type Graph } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { ProgramSpec } from '../../src/graph/program.js';
import type { Node } from '../../src/graph/node.js';
import {
  bfloat16Refusal,
  inFloat32,
  isNarrow,
  matching,
  narrowed,
  requireBfloat16,
  widened,
} from '../../src/native/bfloat16.js';
import { conv2d } from '../../src/native/convolution.js';
import { relu } from '../../src/native/kernels.js';
import { batchNormTraining } from '../../src/native/normalisation.js';
import { averagePool, maxPool } from '../../src/native/pooling.js';
import {
  openTensorFlow,
  tf,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '../../src/native/tensorflow.js';
import type { Config } from '../../src/catalogue/schema.js';
import { shapeOf } from '../../src/data/dataset.js';
import type { Engine } from '../../src/session/engine.js';
import { traceRun } from '../../src/tasks/engine.js';
import { randomStream } from '../../src/util/random.js';
import { l2 } from './support/compare.js';
import { after, bytes, tinyConfig, tinyDataset, tinyEngine, train } from './support/engine.js';

const [IMAGES, FILTER] = [[2, 8, 8, 6], [3, 3, 6, 5]] as const; // prettier-ignore

/** The convolution and the gradients of half its squared norm, as one function. */
function program(precision: 'float32' | 'bfloat16', stride: number): ProgramSpec {
  const padding = stride === 1 ? 'SAME' : 'VALID';
  const convolve = (x: Tensor, filter: Tensor): Tensor => {
    const input = precision === 'bfloat16' ? narrowed(x) : x;
    return widened(conv2d(input as Tensor4D, matching(input, filter) as Tensor4D, stride, padding));
  };
  return {
    variables: {},
    functions: {
      convolve: {
        inputs: {
          x: { dtype: 'float32', shape: IMAGES },
          filter: { dtype: 'float32', shape: FILTER },
        },
        state: [],
        body: (_, inputs) => {
          const half = (x: Tensor, filter: Tensor): Scalar =>
            tf.mul<Scalar>(tf.sum(tf.square(convolve(x, filter))), 0.5);
          const [x, filter] = [inputs['x'], inputs['filter']] as [Tensor4D, Tensor4D];
          const [dx, dFilter] = tf.grads(half)([x, filter]) as [Tensor, Tensor];
          return {
            outputs: { y: convolve(x, filter), dx, dFilter },
          };
        },
      },
    },
  };
}

type Outputs = Record<'y' | 'dx' | 'dFilter', Float32Array>;

const draw = (counter: number, shape: readonly number[], round: (x: number) => number) => {
  const stream = randomStream(7, 'synthetic', counter);
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Float32Array.from({ length: size }, () => round(stream.uniform() - 0.5));
};

function run(
  precision: 'float32' | 'bfloat16',
  stride: number,
  how: 'eager' | 'traced',
  round = identity,
) {
  const spec = program(precision, stride);
  const made = how === 'eager' ? runEagerly(spec) : loadGraph(traceProgram(spec));
  const inputs = { x: draw(0, IMAGES, round), filter: draw(1, FILTER, round) };
  const outputs = made.run('convolve', inputs) as Outputs;
  made.dispose();
  return outputs;
}

const identity = (x: number) => x;
/** At most five bits of mantissa: exact in bfloat16. */
const coarse = (x: number) => Math.round(x * 32) / 32;

/**
 * Inputs, what the forward pass gave and the result are each rounded to bfloat16, by at most 2^-9.
 * oneDNN and cuDNN add up in float32; Eigen's gradients round every partial sum as well, and as many
 * independent roundings as a sum has terms grow like their number's square root.
 */
function bound(name: keyof Outputs, stride: number): number {
  const [[images, height], [kernel, , inputs, outputs]] = [IMAGES, FILTER];
  const side = stride === 1 ? height : Math.floor((height - kernel) / stride) + 1;
  const terms = {
    y: kernel * kernel * inputs,
    dx: kernel * kernel * outputs,
    dFilter: images * side * side,
  };
  return (3 + Math.sqrt(terms[name])) * 2 ** -9;
}

const distance = (a: Float32Array, b: Float32Array) => l2(a.map((x, i) => x - (b[i] ?? NaN)));

// What is tested depends on it.
openTensorFlow();
const refusal = bfloat16Refusal();
if (refusal !== undefined) console.warn(`convolutions in bfloat16 are not tested: ${refusal}`);

test('what cannot be computed is refused in one line', () => {
  const message = ((): string => {
    try {
      requireBfloat16();
      return 'computed';
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(message).toMatch(
    refusal === undefined
      ? /^computed$/
      : /^model.precision: bfloat16 is refused: oneDNN .*ONEDNN_MAX_CPU_ISA=\w+; use float32, or unset that variable$/,
  );
});

describe.skipIf(refusal !== undefined).each([1, 2])('stride %i', (stride) => {
  test('the output is the float32 one rounded to bfloat16 where inputs are exact in it', () => {
    const wanted = run('float32', stride, 'eager', coarse).y;
    const got = run('bfloat16', stride, 'eager', coarse).y;
    // 8 bits of mantissa: at most half of 2^-7 of the value's power of two.
    got.forEach((y, i) => {
      expect(Math.abs(y - (wanted[i] ?? NaN))).toBeLessThanOrEqual(Math.abs(wanted[i] ?? 0) / 256);
    });
    expect(got).not.toEqual(wanted);
  });

  test.each(['y', 'dx', 'dFilter'] as const)('%s is near the float32 one, not equal', (name) => {
    const [wanted, got] = [
      run('float32', stride, 'traced')[name],
      run('bfloat16', stride, 'traced')[name],
    ];
    expect(distance(got, wanted) / l2(wanted)).toBeLessThan(bound(name, stride));
    expect(distance(got, wanted) / l2(wanted)).toBeGreaterThan(1 / 10000);
  });

  test('eager and traced give the same bytes', () => {
    expect(run('bfloat16', stride, 'traced')).toEqual(run('bfloat16', stride, 'eager'));
  });
});

/** To nearest, ties to even: by the bits of float32. */
function rounded(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  const low = (bits[0] ?? 0) & 0xffff;
  const high = (bits[0] ?? 0) - low;
  const isUp = low > 0x8000 || (low === 0x8000 && (high & 0x10000) !== 0);
  bits[0] = high + (isUp ? 0x10000 : 0);
  return new Float32Array(bits.buffer)[0] ?? NaN;
}

const values = (x: Tensor): number[] => Array.from(x.dataSync<'float32'>());

describe.skipIf(refusal !== undefined)('tensors', () => {
  const x: () => Tensor4D = () => tf.tensor4d(draw(3, [2, 4, 4, 3], coarse), [2, 4, 4, 3]);
  const window = { size: 2, stride: 2, padding: 'VALID' } as const;

  test('are float32 rounded to nearest', () => {
    const drawn = tf.tensor1d([...draw(2, [1000], identity), 1 + 2 ** -8, 1 + 3 * 2 ** -8]);
    const narrow = narrowed(drawn);
    expect([isNarrow(drawn), isNarrow(narrow), narrow.dtype]).toEqual([false, true, 'float32']);
    expect(values(widened(narrow))).toEqual(values(drawn).map(rounded));
    expect(values(narrow)).toEqual(values(drawn).map(rounded));
  });

  test.each<[string, (x: Tensor4D) => Tensor]>([
    ['relu', relu],
    ['max-pooling', (t) => maxPool(t, window)],
    ['average-pooling', (t) => averagePool(t, window)],
    ['a sum', (t) => tf.add(t, t)],
    ['a product', (t) => tf.mul(t, tf.scalar(3))],
    ['a difference from float32', (t) => tf.sub(tf.ones([3]), t)],
    ['padding', (t) => tf.pad(t, [[0, 0], [1, 1], [1, 1], [0, 0]])], // prettier-ignore
    ['a slice', (t) => tf.slice(t, [0, 1, 1, 0], [1, 2, 2, 3])],
    ['concatenation', (t) => tf.concat([t, tf.ones([2, 4, 1, 3])], 2)],
    ['transposition', (t) => tf.transpose(t, [0, 3, 1, 2])],
    ['tiles', (t) => tf.tile(t, [1, 2, 1, 1])],
    ['a row of several', (t) => tf.unstack(t)[1] as Tensor],
    ['several rows', (t) => tf.stack(tf.unstack(t))],
    ['another shape', (t) => tf.reshape(t, [32, 3])],
    ['a matrix product', (t) => tf.matMul(tf.reshape(t, [32, 3]), tf.reshape(t, [3, 32]))],
    ['attention', (t) => tf.matMul(t, t, false, true)],
  ])('%s of them is float32 rounded', (_, of) => {
    const narrow = of(narrowed(x()));
    expect(isNarrow(narrow)).toBe(true);
    expect(values(narrow)).toEqual(values(of(x())).map(rounded));
  });

  test('sums, and what has no bfloat16, are computed in float32', () => {
    // A running sum in bfloat16 would stay at 256.
    const sum = tf.sum(narrowed(tf.ones([1000])));
    expect([isNarrow(sum), values(sum)]).toEqual([false, [1000]]);
    const exponential = tf.exp(narrowed(x()));
    expect(isNarrow(exponential)).toBe(false);
    expect(values(exponential)).toEqual(values(tf.exp(x())));
    const inside = inFloat32(narrowed(x()), tf.exp);
    expect(isNarrow(inside)).toBe(true);
    expect(values(inside)).toEqual(values(tf.exp(x())).map(rounded));
  });

  test('batch normalisation has float32 statistics', () => {
    const [scale, offset] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([0, 1, -1])];
    const found = batchNormTraining(narrowed(x()), scale, offset);
    const wanted = batchNormTraining(x(), scale, offset);
    expect([found.y, found.mean, found.variance].map(isNarrow)).toEqual([true, false, false]);
    for (const name of ['mean', 'variance'] as const) {
      values(found[name]).forEach((value, i) => {
        expect(value).toBeCloseTo(values(wanted[name])[i] ?? NaN, 6);
      });
    }
    const difference = distance(
      Float32Array.from(values(found.y)),
      Float32Array.from(values(wanted.y)),
    );
    expect(difference / l2(values(wanted.y))).toBeLessThan(2 ** -8);
  });

  test('gradients are of the type of what they are of', () => {
    const weight = tf.tensor1d([0.5, 2, -1]);
    const loss = (t: Tensor, w: Tensor) => {
      const product = tf.mul(t, matching(t, w));
      return tf.sum(widened(relu(product)));
    };
    const [ofX, ofWeight] = tf.grads(loss)([narrowed(x()), weight]) as [Tensor, Tensor];
    expect([isNarrow(ofX), isNarrow(ofWeight)]).toEqual([true, false]);
    const [wideX, wideWeight] = tf.grads(loss)([x(), weight]) as [Tensor, Tensor];
    expect(values(ofX)).toEqual(values(wideX));
    // Sums of numbers that are exact in bfloat16.
    expect(values(ofWeight)).toEqual(values(wideWeight));
  });

  test('an eager call leaves none of its own behind', () => {
    const image = x();
    const before = tf.memory().numTensors;
    tf.dispose(narrowed(image));
    tf.tidy(() => values(tf.exp(tf.add(narrowed(image), 1))));
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose(image);
  });
});

const NETWORKS: [string, Record<string, unknown>][] = [
  ['resnet18', { width: 4 }],
  ['wrn-10-1', { width: 4, dropout: 0.25 }],
  ['pyramidnet-11-6', { width: 4 }],
  ['vit', { width: 8, patch: 4, layers: 2, heads: 2, dropout: 0.1, dropPath: 0.1 }],
];

/** Classes, and nothing else's size. */
const HEAD = 5;

/** Of its output and weights, or a row for each image of the batch. */
const isOfHead = (shape: readonly number[]): boolean =>
  shape.includes(HEAD) || (shape.length === 2 && shape[0] === 16);

const configOf = (name: string, model: Record<string, unknown>): Config => {
  const synthetic = { train: 32, test: 12, size: 16, channels: 3, classes: HEAD };
  const keys = { model: { name, ...model }, data: { name: 'synthetic', synthetic } };
  return tinyConfig({ batchSize: 16, keys });
};

/** The step of such a network, and its evaluation. */
function traced(name: string, model: Record<string, unknown>): Graph {
  const config = configOf(name, { ...model, precision: 'bfloat16' });
  return traceRun(config, shapeOf(tinyDataset(config)));
}

const describeShape = (shape: readonly number[]): string => shape.join(' ');

const typeOf = ({ attributes }: Node, name = 'T') => attributes[name]?.value;

describe.each(NETWORKS)('a step of %s', (name, model) => {
  const { nodes, variables } = traced(name, model);
  const { shape: size = [] } = variables['parameters'] ?? {};
  const of = (...ops: string[]) => nodes.filter(({ op }) => ops.includes(op));

  test('has its products, norms, ReLUs and pools in bfloat16', () => {
    const narrow = of(
      ...['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'Relu', 'ReluGrad', 'AvgPool'],
      ...['AvgPoolGrad', 'FusedBatchNormV3', 'FusedBatchNormGradV3'],
      // But of the head.
      ...(name === 'vit' ? ['BatchMatMulV2'] : []),
    ).filter(({ outputs }) => !outputs.some(({ shape }) => isOfHead(shape)));
    expect(narrow.length).toBeGreaterThan(8);
    expect(narrow.filter((node) => typeOf(node) !== 'bfloat16').map((node) => node.name)).toEqual(
      [],
    );
    const norms = of('FusedBatchNormV3', 'FusedBatchNormGradV3');
    expect(norms.every((node) => typeOf(node, 'U') === 'float32')).toBe(true);
  });

  test('has loss, state and what is made of weights in float32', () => {
    const wide = of(
      ...['SparseSoftmaxCrossEntropyWithLogits', 'AssignVariableOp', 'ReadVariableOp', 'L2Loss'],
      ...['Sum', 'Mean', 'Softmax'],
    );
    expect(wide.length).toBeGreaterThan(8);
    expect(wide.flatMap(({ outputs }) => outputs.map(({ dtype }) => dtype))).not.toContain(
      'bfloat16',
    );
    const flat = nodes.flatMap(({ outputs }) =>
      outputs.filter(({ shape }) => describeShape(shape) === describeShape(size)),
    );
    expect(flat.length).toBeGreaterThan(8);
    expect(flat.filter(({ dtype }) => dtype !== 'float32')).toEqual([]);
  });
});

describe.skipIf(refusal !== undefined)('training', () => {
  test.each(NETWORKS)('%s: losses are near float32’s, and traced near eager', (name, model) => {
    const config = configOf(name, { ...model, precision: 'bfloat16' });
    const wide = configOf(name, model);
    const losses = (engine: Engine, of: Config) => {
      const found = train(engine, of, 0, 4, 0.02).map(
        ({ numbers }) => numbers['train_loss'] ?? NaN,
      );
      engine.dispose();
      return found;
    };
    const wanted = losses(tinyEngine(wide), wide);
    for (const mode of ['compiled', 'eager'] as const) {
      losses(tinyEngine(config, mode), config).forEach((loss, i) => {
        expect(Math.abs(loss / (wanted[i] ?? NaN) - 1)).toBeLessThan(0.05);
      });
    }
  });

  test('two runs give the same bytes', () => {
    const config = configOf('resnet18', { width: 4, precision: 'bfloat16' });
    expect(bytes(after(config, 4))).toEqual(bytes(after(config, 4)));
  });
});
