// A loaded program: what it accepts, and when its state changes.
import { describe, expect, test } from 'vitest';
import { loadGraph, refuseFewerDevices, traceProgram } from '../../src/graph/compile.js';
import type { ProgramSpec } from '../../src/graph/program.js';
import { tf, type Tensor } from '../../src/native/tensorflow.js';
import { required } from '../../src/util/errors.js';

const vector = { dtype: 'float32', shape: [4] } as const;

describe('a loaded program', () => {
  const adding: ProgramSpec = {
    variables: { s: vector },
    functions: {
      step: {
        inputs: { x: vector },
        state: ['s'],
        body: ({ s }, { x }) => {
          const sum = tf.add(required(s, 's'), required(x, 'x'));
          return { state: { s: sum }, outputs: { y: sum } };
        },
      },
    },
  };

  test.each<[string, Record<string, Float32Array | Int32Array>, RegExp]>([
    [
      'another batch size',
      { x: new Float32Array(5) },
      /input x of step is float32 \[4\], got a Float32Array of 5/,
    ],
    [
      'another type',
      { x: new Int32Array(4) },
      /input x of step is float32 \[4\], got a Int32Array of 4/,
    ],
    ['nothing', {}, /no value fed to step for x/],
    ['an unknown input', { x: new Float32Array(4), z: new Float32Array(4) }, /no input of step z/],
  ])('refuses %s', (_, inputs, message) => {
    const loaded = loadGraph(traceProgram(adding));
    loaded.write('s', new Float32Array(4));
    expect(() => loaded.run('step', inputs)).toThrow(message);
    loaded.dispose();
  });

  test('refuses a state of another length, an unknown variable and an unknown function', () => {
    const loaded = loadGraph(traceProgram(adding));
    expect(() => {
      loaded.write('s', new Float32Array(3));
    }).toThrow(/s is float32 \[4\], got/);
    expect(() => loaded.read('t')).toThrow(/no variable t; there are s/);
    expect(() => loaded.run('stop', {})).toThrow(/no function stop; there are step/);
    loaded.dispose();
  });

  test('keeps its state from run to run, and two programs keep theirs apart', () => {
    const graph = traceProgram(adding);
    const [one, two] = [loadGraph(graph), loadGraph(graph)];
    for (const loaded of [one, two]) loaded.write('s', Float32Array.of(1, 2, 3, 4));
    const x = Float32Array.of(1, 10, 100, 1000);
    one.run('step', { x });
    expect(one.run('step', { x })['y']).toEqual(Float32Array.of(3, 22, 203, 2004));
    expect(one.read('s')).toEqual(Float32Array.of(3, 22, 203, 2004));
    expect(two.read('s')).toEqual(Float32Array.of(1, 2, 3, 4));
    one.dispose();
    two.dispose();
  });

  test('names the function and the node that fail', () => {
    const program = loadGraph(traceProgram(adding));
    const unwritten = () => program.run('step', { x: Float32Array.of(1, 1, 1, 1) });
    expect(unwritten).toThrow(/^internal: TensorFlow fails in step: .*step\/s\b/s);
    program.dispose();
  });

  // TensorFlow takes memory as it is where its address is a multiple of 64, and copies it elsewhere.
  test('has a copy of what it is given: the array may be changed afterwards', () => {
    const program = loadGraph(traceProgram(adding));
    const memory = new ArrayBuffer(128);
    const addresses = Array.from({ length: 16 }, (_, i) => 4 * i);
    const kept = addresses.map((address) => {
      const values = new Float32Array(memory, address, 4).fill(1);
      program.write('s', values);
      values.fill(2);
      return [...program.read('s')];
    });
    program.dispose();
    expect(kept).toEqual(addresses.map(() => [1, 1, 1, 1]));
  });

  test('takes many parts of equal size', () => {
    const x = { dtype: 'float32', shape: [40] } as const;
    const parted: ProgramSpec = {
      variables: {},
      functions: {
        gradient: {
          inputs: { x },
          state: [],
          body: (_, inputs) => {
            const sumOfSquares = (whole: Tensor) =>
              tf.sum(tf.concat(tf.split(whole, 20).map((part) => tf.square(part))));
            return { outputs: { dx: tf.grad(sumOfSquares)(required(inputs['x'], 'x')) } };
          },
        },
      },
    };
    const loaded = loadGraph(traceProgram(parted));
    const values = Float32Array.from({ length: 40 }, (_, i) => i - 7);
    const { dx } = loaded.run('gradient', { x: values });
    expect(dx).toEqual(values.map((value) => 2 * value));
    loaded.dispose();
  });

  test('reads all state before it changes any', () => {
    const swapping: ProgramSpec = {
      variables: { a: vector, b: vector },
      functions: {
        swap: {
          inputs: {},
          state: ['a', 'b'],
          body: ({ a, b }) => ({
            state: { a: required(b, 'b'), b: required(a, 'a') },
            outputs: { sum: tf.add(required(a, 'a'), tf.mul(required(b, 'b'), 10)) },
          }),
        },
      },
    };
    const loaded = loadGraph(traceProgram(swapping));
    loaded.write('a', Float32Array.of(1, 2, 3, 4));
    loaded.write('b', Float32Array.of(5, 6, 7, 8));
    expect(loaded.run('swap', {})['sum']).toEqual(Float32Array.of(51, 62, 73, 84));
    expect(loaded.run('swap', {})['sum']).toEqual(Float32Array.of(15, 26, 37, 48));
    loaded.run('swap', {});
    expect(loaded.read('a')).toEqual(Float32Array.of(5, 6, 7, 8));
    expect(loaded.read('b')).toEqual(Float32Array.of(1, 2, 3, 4));
    loaded.dispose();
  });
});

test('fewer devices than are wanted are refused by name', () => {
  const there = ['/job:localhost/replica:0/task:0/device:CPU:0', '/job:x/task:0/device:GPU:0'];
  expect(() => {
    refuseFewerDevices(there, 'GPU', 1);
  }).not.toThrow();
  expect(() => {
    refuseFewerDevices(there, 'GPU', 2);
  }).toThrow(/^devices: got 2, TensorFlow finds 1 GPU; wanted that many at most/);
});
