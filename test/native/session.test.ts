// Sessions of our own over graphs written by hand.
import { afterEach, describe, expect, test } from 'vitest';
import { encodeGraph } from '../../src/graph/graph-def.js';
import type { Attribute, Node } from '../../src/graph/node.js';
import { openSession, type Session } from '../../src/native/session.js';
import type { TensorType } from '../../src/native/types.js';

const vector: TensorType = { dtype: 'float32', shape: [4] };
const type: Attribute = { kind: 'type', value: 'float32' };
const shape: Attribute = { kind: 'shape', value: [4] };

const node = (
  name: string,
  op: string,
  inputs: string[],
  attributes: Readonly<Record<string, Attribute>>,
): Node => ({ name, op, inputs, attributes, outputs: [vector] });

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

const open: Session[] = [];
afterEach(() => {
  for (const session of open.splice(0)) session.close();
});

function start(nodes: readonly Node[] = NODES): Session {
  const session = openSession(encodeGraph(nodes));
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

  test.each<[string, (session: Session) => unknown, RegExp]>([
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
    expect(() => openSession(Uint8Array.of(0xff))).toThrow(/opens no session: Invalid GraphDef/);
    expect(() => start([node('a', 'NoSuchOp', [], {})])).toThrow(/opens no session: .*NoSuchOp/s);
  });
});
