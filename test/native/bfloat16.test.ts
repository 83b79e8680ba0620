// Convolutions in bfloat16: values of a hand-rounded reference, gradients near float32's, and the
// same bytes eager and traced.
import { describe, expect, test } from 'vitest';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import { runEagerly } from '../../src/graph/eager.js';
import type { ProgramSpec } from '../../src/graph/program.js';
import { bfloat16Refusal, requireBfloat16 } from '../../src/native/bfloat16.js';
import { conv2d, type Precision } from '../../src/native/convolution.js';
import {
  openTensorFlow,
  tf,
  type Scalar,
  type Tensor,
  type Tensor4D,
} from '../../src/native/tensorflow.js';
import { randomStream } from '../../src/util/random.js';
import { l2 } from './support/compare.js';

const [IMAGES, FILTER] = [[2, 8, 8, 6], [3, 3, 6, 5]] as const; // prettier-ignore

/** The convolution and the gradients of half its squared norm, as one function. */
function program(precision: Precision, stride: number): ProgramSpec {
  const padding = stride === 1 ? 'SAME' : 'VALID';
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
          const half = (x: Tensor, filter: Tensor): Scalar => {
            const y = conv2d(x as Tensor4D, filter as Tensor4D, stride, padding, precision);
            return tf.mul<Scalar>(tf.sum(tf.square(y)), 0.5);
          };
          const [x, filter] = [inputs['x'], inputs['filter']] as [Tensor4D, Tensor4D];
          const [dx, dFilter] = tf.grads(half)([x, filter]) as [Tensor, Tensor];
          return {
            outputs: { y: conv2d(x, filter, stride, padding, precision), dx, dFilter },
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

function run(precision: Precision, stride: number, how: 'eager' | 'traced', round = identity) {
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

test.skipIf(refusal !== undefined)('an eager call leaves no tensor of its own behind', () => {
  const x: Tensor4D = tf.zeros([2, 8, 8, 6]);
  const filter: Tensor4D = tf.zeros([3, 3, 6, 5]);
  const before = tf.memory().numTensors;
  tf.dispose(conv2d(x, filter, 1, 'SAME', 'bfloat16'));
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([x, filter]);
});
