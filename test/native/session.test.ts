// Sessions of our own over graphs written by hand.
import { afterEach, describe, expect, test } from 'vitest';
import { encodeGraph } from '../../src/graph/graph-def.js';
import type { Attribute, Node } from '../../src/graph/node.js';
import { openGraph, type GraphSession } from '../../src/native/session.js';
import type { TensorType } from '../../src/native/types.js';

const vector: TensorType = { dtype: 'float32', shape: [4] };
const type: Attribute = { kind: 'type', value: 'float32' };
const shape: Attribute = { kind: 'shape', value: [4] };

const node = (
  name: string,
  op: string,
  inputs: string[],
  attributes: Readonly<Record<string, Attribute>>,
): Node => ({ name, op, inputs, attributes, device: 0, outputs: [vector] });

const NODES = [
  node('x', 'Placeholder', [], { dtype: type, shape }),
  node('v', 'VarHandleOp', [], {
    dtype: type,
    shape,
    shared_name: { kind: 'string', value: 'v' },
  }),
  node('keep', 'AssignVariableOp', ['v', 'x'], { dtype: type }),
  node('read', 'ReadVariableOp', ['v'], { dtype: type }),
  node('step/sum', 'AddV2', ['read', 'x'], { T: type }),
  node('step/checked', 'CheckNumerics', ['x'], {
    T: type,
    message: { kind: 'string', value: 'not finite' },
  }),
];
const feeds = [{ node: 'x', type: vector }];

const open: GraphSession[] = [];
afterEach(() => {
  for (const session of open.splice(0)) session.close();
});

function start(nodes: readonly Node[] = NODES): GraphSession {
  const session = openGraph(encodeGraph(nodes));
  open.push(session);
  return session;
}

describe('a session', () => {
  test('runs targets and fetches outputs, each session with variables of its own', () => {
    const values = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8)] as const;
    const sessions = [start(), start()] as const;
    sessions.forEach((session, i) => {
      expect(session.define({ feeds, targets: ['keep'] }).run([values[i as 0 | 1]])).toEqual([]);
    });
    const sums = sessions.map((session) =>
      session.define({ feeds, outputs: ['step/sum', 'read'] }).run([Float32Array.of(1, 1, 1, 1)]),
    );
    expect(sums).toEqual([
      [Float32Array.of(2, 3, 4, 5), values[0]],
      [Float32Array.of(6, 7, 8, 9), values[1]],
    ]);
  });

  test('has copied what it was fed before a promise is given', async () => {
    const session = start();
    session.define({ feeds, targets: ['keep'] }).run([new Float32Array(4)]);
    const array = Float32Array.of(1, 2, 3, 4);
    const result = session.define({ feeds, outputs: ['step/sum'] }).runAsync([array]);
    array.fill(9);
    expect(await result).toEqual([Float32Array.of(1, 2, 3, 4)]);
  });

  describe('lent an array', () => {
    const size = 4096;
    const images: TensorType = { dtype: 'uint8', shape: [size] };
    const byte: Attribute = { kind: 'type', value: 'uint8' };
    const attributes = { dtype: byte, shape: { kind: 'shape', value: [size] } } as const;
    const lending = [
      node('x', 'Placeholder', [], attributes),
      node('float', 'Cast', ['x'], { SrcT: byte, DstT: type }),
      node('v', 'VarHandleOp', [], {
        ...attributes,
        shared_name: { kind: 'string', value: 'v' },
      }),
      node('keep', 'AssignVariableOp', ['v', 'x'], { dtype: byte }),
    ];
    const lent = [{ node: 'x', type: images, lent: true }];
    /** Bytes that begin at a multiple of 64, and those that begin one after it. */
    const arrays = () => {
      const memory = new Uint8Array(new SharedArrayBuffer(size + 128));
      const own = new Uint8Array(size + 128);
      return [memory, own].flatMap((all) =>
        Array.from({ length: 64 }, (_, start) => all.subarray(start, start + size)),
      );
    };

    test('reads it where it lies, wherever that is, and has given it back', async () => {
      const session = start(lending);
      const cast = session.define({ feeds: lent, outputs: ['float'] });
      for (const [i, array] of arrays().entries()) {
        array.forEach((_, j) => (array[j] = i + j));
        const wanted = [Float32Array.from(array)];
        expect(cast.run([array])).toEqual(wanted);
        const later = cast.runAsync([array]);
        array.fill(0);
        expect(await later).toEqual(wanted);
      }
      expect(() => cast.run([new Uint8Array(size - 1)])).toThrow('x wants 4096 bytes, got 4095');
    });

    test('fails where the graph keeps its memory', () => {
      const fresh = () => start(lending).define({ feeds: lent, targets: ['keep'] });
      let keep = fresh();
      const kept = arrays().filter((array) => {
        try {
          keep.run([array]);
          return false;
        } catch (error) {
          expect(String(error)).toContain(
            'TensorFlow keeps the memory of an input that it was lent',
          );
          // What the variable holds may be gone by and by: nothing may read it.
          expect(() => keep.run([array])).toThrow('the session is closed');
          keep = fresh();
          return true;
        }
      });
      // One place in 64 is aligned, in each of the two memories; of the others TensorFlow takes copies.
      expect(kept).toHaveLength(2);
    });
  });

  test('waits for what is under way when it is closed, and runs nothing after', async () => {
    const size = 600;
    const matrix: TensorType = { dtype: 'float32', shape: [size, size] };
    const square: Attribute = { kind: 'shape', value: [size, size] };
    const long = Array.from({ length: 20 }, (_, i) =>
      node(`product${i}`, 'MatMul', [i === 0 ? 'm' : `product${i - 1}`, 'm'], { T: type }),
    );
    const session = start([node('m', 'Placeholder', [], { dtype: type, shape: square }), ...long]);
    const product = session.define({
      feeds: [{ node: 'm', type: matrix }],
      outputs: ['product19'],
    });
    const identity = Float32Array.from({ length: size * size }, (_, i) =>
      i % (size + 1) === 0 ? 1 : 0,
    );
    const result = product.runAsync([identity]);
    session.close();
    expect((await result)[0]).toEqual(identity);
    expect(() => product.run([identity])).toThrow('TensorFlow fails: the session is closed');
    await expect(product.runAsync([identity])).rejects.toThrow('the session is closed');
    expect(() => session.define({ outputs: ['m'] })).toThrow(
      'defines no run: the session is closed',
    );
    session.close();
  });

  test('gives a RunMetadata where it is asked for one', () => {
    const session = start();
    session.define({ feeds, targets: ['keep'] }).run([new Float32Array(4)]);
    // RunOptions { trace_level: FULL_TRACE }, of tensorflow/core/protobuf/config.proto.
    const { outputs, metadata } = session
      .define({ feeds, outputs: ['step/sum'] })
      .runTraced([Float32Array.of(1, 2, 3, 4)], Uint8Array.of(0x08, 3));
    expect(outputs).toEqual([Float32Array.of(1, 2, 3, 4)]);
    expect(Buffer.from(metadata).toString('latin1')).toContain('step/sum');
  });

  test.each<[string, (session: GraphSession) => unknown, RegExp]>([
    [
      'an unknown node',
      (session) => session.define({ outputs: ['step/product'] }),
      /defines no run: the graph has no node step\/product/,
    ],
    [
      'an output of a node that has none',
      (session) => session.define({ outputs: ['keep'] }),
      /node keep has no output/,
    ],
    [
      'too short an array',
      (session) => session.define({ feeds, targets: ['keep'] }).run([new Float32Array(3)]),
      /fails: x wants 16 bytes, got 12/,
    ],
    [
      'too few arrays',
      (session) => session.define({ feeds, targets: ['keep'] }).run([]),
      /fails: an input is missing/,
    ],
    [
      'too many arrays',
      (session) =>
        session
          .define({ feeds, targets: ['keep'] })
          .run([new Float32Array(4), new Float32Array(4)]),
      /fails: there are more arrays than inputs/,
    ],
    [
      'options that are none',
      (session) =>
        session
          .define({ feeds, targets: ['keep'] })
          .runTraced([new Float32Array(4)], Uint8Array.of(0xff)),
      /fails: Unparseable RunOptions/,
    ],
  ])('refuses %s', (_, use, message) => {
    expect(() => use(start())).toThrow(message);
  });

  test('tells at which node it failed, at once or through the promise', async () => {
    const checked = start().define({ feeds, outputs: ['step/checked'] });
    const wanted = /TensorFlow fails: .*step\/checked.*not finite|not finite.*step\/checked/s;
    expect(() => checked.run([Float32Array.of(1, NaN, 1, 1)])).toThrow(wanted);
    await expect(checked.runAsync([Float32Array.of(1, NaN, 1, 1)])).rejects.toThrow(wanted);
  });

  test('is not opened over a graph that TensorFlow does not know', () => {
    expect(() => openGraph(Uint8Array.of(0xff))).toThrow(/opens no session: Invalid GraphDef/);
    expect(() => start([node('a', 'NoSuchOp', [], {})])).toThrow(/opens no session: .*NoSuchOp/s);
  });
});
