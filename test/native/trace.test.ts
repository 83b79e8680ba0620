// A trace that would not compute what its function says is refused: one test for each way it can lie.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadGraph, traceProgram } from '../../src/graph/compile.js';
import type { FunctionSpec, ProgramSpec, Tensors } from '../../src/graph/program.js';
import { bytesToFloat, gatherRows, reshapeBytes } from '../../src/native/kernels.js';
import { tf, type Tensor } from '../../src/native/tensorflow.js';
import type { TensorType } from '../../src/native/types.js';
import { InternalError, required } from '../../src/util/errors.js';

const random = Math.random;
const vector = { dtype: 'float32', shape: [4] } as const;
const scalar = { dtype: 'float32', shape: [] } as const;

/** A program of one function `step` over the state s [4], fed x [4] and whatever `inputs` adds. */
function program(body: FunctionSpec['body'], inputs: FunctionSpec['inputs'] = {}): ProgramSpec {
  return {
    variables: { s: vector },
    functions: { step: { inputs: { x: vector, ...inputs }, state: ['s'], body } },
  };
}

/** The same for a body that only computes: y from s and x. */
const computing = (body: (s: Tensor, x: Tensor) => Tensor): ProgramSpec =>
  program((state, inputs) => ({ outputs: { y: body(at(state, 's'), at(inputs, 'x')) } }));

const at = (tensors: Tensors, name: string): Tensor => required(tensors[name], name);

function expectRefusal(spec: ProgramSpec, message: RegExp): void {
  expect(() => traceProgram(spec)).toThrow(InternalError);
  expect(() => traceProgram(spec)).toThrow(message);
}

beforeEach(() => {
  expect(tf.getBackend()).toBe('tensorflow');
});

afterEach(() => {
  expect(tf.getBackend()).toBe('tensorflow');
  expect(Math.random).toBe(random);
  expect(tf.add(tf.tensor1d([1, 2]), 1).arraySync()).toEqual([2, 3]);
});

describe('a random number of JavaScript would be a constant', () => {
  test.each<[string, () => Tensor | number]>([
    ['a large random tensor', () => tf.randomNormal([100, 100])],
    ['a small random tensor', () => tf.randomUniform([4])],
    ['a random number', () => Math.random()],
    ['dropout', () => tf.dropout(tf.ones([4]), 0.5)],
  ])('%s', (_, draw) => {
    const spec = computing((s, x) => tf.add(tf.mul(s, x), tf.sum(draw())));
    expectRefusal(spec, /Math\.random was called while step is traced.*feed it/);
  });
});

describe('a tensor that has a value would be a constant', () => {
  test('a batch from outside', () => {
    const batch = () =>
      tf.tensor2d(
        Array.from({ length: 8 }, (_, i) => i),
        [2, 4],
      );
    const [first, second] = [batch(), batch()];
    let captured = first;
    const spec = computing((s, x) => tf.add(tf.mul(captured, x), s));
    expect(() => traceProgram(spec)).toThrow(InternalError);
    captured = second;
    expect(() => traceProgram(spec)).toThrow(/tensor float32 \[2 4\].*captured.*make it an input/);
  });

  test('a large constant made on the spot', () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => i);
    const spec = computing((s, x) => tf.add(tf.mul(s, x), tf.sum(tf.tensor1d(values))));
    expectRefusal(spec, /constant float32 \[5000\].*baked into the trace; make it an input/);
  });

  test('an output from outside', () => {
    const outside = tf.tensor1d([1, 2, 3, 4]);
    const spec = program((state, inputs) => ({
      outputs: { y: tf.add(at(state, 's'), at(inputs, 'x')), z: outside },
    }));
    expectRefusal(spec, /output z of step does not come from the traced function: it has a value/);
  });

  test('a state from outside', () => {
    const outside = tf.tensor1d([1, 2, 3, 4]);
    const spec = program((state, inputs) => ({
      state: { s: outside },
      outputs: { y: tf.add(at(state, 's'), at(inputs, 'x')) },
    }));
    expectRefusal(spec, /new s of step does not come from the traced function: it has a value/);
  });

  test('but a large constant of equal elements is only a Fill', () => {
    const loaded = loadGraph(
      traceProgram(computing((s, x) => tf.add(tf.mul(s, x), tf.sum(tf.ones([5000]))))),
    );
    loaded.write('s', Float32Array.of(1, 2, 3, 4));
    expect(loaded.run('step', { x: Float32Array.of(1, 1, 1, 1) })['y']).toEqual(
      Float32Array.of(5001, 5002, 5003, 5004),
    );
    loaded.dispose();
  });
});

describe('a value has none yet', () => {
  test.each<[string, (x: Tensor) => unknown]>([
    ['dataSync', (x) => x.dataSync()],
    ['arraySync', (x) => x.arraySync()],
    [
      'print',
      (x) => {
        x.print();
      },
    ],
  ])('%s', (_, read) => {
    const spec = computing((s, x) => {
      const sum = tf.add(s, x);
      read(sum);
      return sum;
    });
    expectRefusal(spec, /value of step\/Add was read while its function is traced/);
  });

  test('a branch on one', () => {
    const spec = computing((s, x) => {
      const [largest = 0] = tf.max(x).dataSync();
      return largest > 1 ? tf.div(s, x) : tf.mul(s, x);
    });
    expectRefusal(spec, /value of step\/Max was read/);
  });

  test('but a constant may be read', () => {
    const spec = computing((s, x) => {
      const [two = 0] = tf.scalar(2).dataSync();
      return tf.mul(tf.add(s, x), two);
    });
    expect(() => traceProgram(spec)).not.toThrow();
  });
});

describe('a tensor of another trace', () => {
  let kept: Tensor | undefined;
  const keeping = computing((s, x) => (kept = tf.keep(tf.add(s, x))));
  const using = computing((s, x) => tf.mul(tf.add(s, x), required(kept, 'kept')));
  const message = /a tensor of another trace was captured/;

  test('of a program traced before', () => {
    traceProgram(keeping);
    expectRefusal(using, message);
  });

  test('of another function of the program', () => {
    const functions = {
      keeping: required(keeping.functions['step'], 'step'),
      using: required(using.functions['step'], 'step'),
    };
    expectRefusal({ variables: keeping.variables, functions }, message);
  });

  test('returned as an output', () => {
    traceProgram(keeping);
    const spec = program((state, inputs) => ({
      outputs: { y: tf.add(at(state, 's'), at(inputs, 'x')), z: required(kept, 'kept') },
    }));
    expectRefusal(spec, message);
  });
});

describe('an input or state that nothing depends on', () => {
  const message = /input rate of step is not used: a number took its place/;

  test('a number that should have been fed', () => {
    const rate = 0.1;
    const spec = program(
      (state, inputs) => ({
        outputs: { y: tf.sub(at(state, 's'), tf.mul(at(inputs, 'x'), rate)) },
      }),
      { rate: scalar },
    );
    expectRefusal(spec, message);
  });

  test('a fed number whose product is dropped', () => {
    const spec = program(
      (state, inputs) => {
        tf.mul(at(inputs, 'x'), at(inputs, 'rate'));
        return { outputs: { y: tf.add(at(state, 's'), at(inputs, 'x')) } };
      },
      { rate: scalar },
    );
    expectRefusal(spec, message);
  });

  test('a state that is declared and not read', () => {
    const spec = program((_, inputs) => ({ outputs: { y: tf.neg(at(inputs, 'x')) } }));
    expectRefusal(spec, /state variable s of step is not used/);
  });

  test('a state that is replaced without being read', () => {
    const spec = program((_, inputs) => ({
      state: { s: tf.neg(at(inputs, 'x')) },
      outputs: { y: tf.abs(at(inputs, 'x')) },
    }));
    expectRefusal(spec, /state variable s of step is not used/);
  });
});

describe('state that does not fit', () => {
  const returning = (next: (s: Tensor, x: Tensor) => Tensors): ProgramSpec =>
    program((state, inputs) => {
      const [s, x] = [at(state, 's'), at(inputs, 'x')];
      return { state: next(s, x), outputs: { y: tf.add(s, x) } };
    });

  test.each<[string, (s: Tensor, x: Tensor) => Tensors, RegExp]>([
    ['returned unchanged', (s) => ({ s }), /step returns the state s unchanged: leave it out/],
    [
      'of another shape',
      (s, x) => ({ s: tf.sum(tf.add(s, x)) }),
      /new s of step is float32 \[\], the variable is float32 \[4\]/,
    ],
    [
      'of another type',
      (s, x) => ({ s: tf.cast(tf.add(s, x), 'int32') }),
      /new s of step is int32 \[4\], the variable is float32 \[4\]/,
    ],
    [
      'that was not declared',
      (s, x) => ({ momentum: tf.add(s, x) }),
      /no state variable declared by step: momentum; there are s/,
    ],
    [
      'disposed of before the end',
      (s, x) => {
        const sum = tf.add(s, x);
        sum.dispose();
        return { s: sum };
      },
      /new s of step was disposed of before the end/,
    ],
  ])('%s', (_, next, message) => {
    expectRefusal(returning(next), message);
  });
});

test('a function without an output would never run', () => {
  const spec = program((state, inputs) => ({
    state: { s: tf.add(at(state, 's'), at(inputs, 'x')) },
    outputs: {},
  }));
  expectRefusal(spec, /step has no output/);
});

test('an op without a shape rule is named', () => {
  const spec = computing((s, x) => tf.atan(tf.add(s, x)));
  expectRefusal(spec, /op Atan\(float32 \[4\]\) has no shape rule/);
});

describe('what is lent is only read', () => {
  const bytes = { dtype: 'uint8', shape: [4] } as const;
  const lending = (body: (x: Tensor) => Tensor, type: TensorType = bytes): ProgramSpec => ({
    variables: { s: vector },
    functions: {
      step: {
        inputs: { x: type },
        lent: ['x'],
        state: ['s'],
        body: (state, inputs) => ({
          outputs: { y: tf.mul(body(at(inputs, 'x')), at(state, 's')) },
        }),
      },
    },
  });

  test('a cast, rows gathered, and both of another shape are something new', () => {
    const last = () => tf.tensor1d([3, 3, 3, 3], 'int32');
    const bodies: readonly ((x: Tensor) => Tensor)[] = [
      bytesToFloat,
      (x) => bytesToFloat(gatherRows(x, last(), 'uint8')),
      (x) => bytesToFloat(reshapeBytes(x, [4])),
      (x) => bytesToFloat(gatherRows(reshapeBytes(x, [4]), last(), 'uint8')),
    ];
    const results = bodies.map((body) => {
      const loaded = loadGraph(traceProgram(lending(body)));
      loaded.write('s', Float32Array.of(1, 10, 100, 1000));
      const x = Uint8Array.of(1, 2, 3, 4);
      const { y } = loaded.run('step', { x });
      loaded.dispose();
      return [...required(y, 'y')];
    });
    const [as, gathered] = [
      [1, 20, 300, 4000],
      [4, 40, 400, 4000],
    ];
    expect(results).toEqual([as, gathered, as, gathered]);
  });

  test('anything else may keep its memory', () => {
    expectRefusal(
      lending((x) => x, vector),
      /step\/x is lent, but Mul step\/\w+ may keep its memory/,
    );
    // To the type that it has already: another name of the same memory.
    expectRefusal(
      lending((x) => tf.cast(x, 'float32'), vector),
      /step\/x is lent, but Cast step\/\w+ may keep its memory/,
    );
  });

  test('rows gathered by it do not make it new', () => {
    const rows = { dtype: 'int32', shape: [4] } as const;
    const table = () => tf.tensor1d([5, 6, 7, 8], 'int32');
    expectRefusal(
      lending((x) => tf.cast(gatherRows(table(), x, 'int32'), 'float32'), rows),
      /step\/x is lent, but GatherV2/,
    );
  });
});
