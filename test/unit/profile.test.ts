// Profiles made by hand: the table of ops, and the trace that viewers open.
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { profileTable, refuseBesideProfile } from '../../src/cli/bench-profile.js';
import { decodeProfile, type ProfiledNode } from '../../src/native/profile.js';
import {
  meanTable,
  opTable,
  traceEvents,
  traceFile,
  type OpTable,
} from '../../src/session/profile.js';

const node = (
  name: string,
  op: string,
  start: number,
  duration: number,
  bytes = 0,
): ProfiledNode => ({ name, op, start, duration, bytes });

/** In nanoseconds: 0-3 ms, 4-6 ms, and beside that one 5-5.5 ms and 5.5-7 ms; nothing from 3 to 4. */
const PROFILE = [
  node('train/first_pass/conv1/Conv2D', 'Conv2D', 0, 3e6, 4000),
  node('train/second_pass/conv1/Conv2D_1', 'Conv2D', 4e6, 2e6, 4000),
  node('constant_3', 'Const', 5e6, 5e5, 16),
  node('ConstantFolding/train/Mul_2_recip', 'Reciprocal', 5.5e6, 1.5e6, 4),
];

describe('decodeProfile', () => {
  /** As TensorFlow writes them, with its field numbers. */
  const encoded = (...labels: readonly string[]): Uint8Array => {
    const { root } = protobuf.parse(`syntax = "proto3";
      message Node { string name = 1; string label = 8; int64 start = 13; int64 end = 15; }
      message Device { string device = 1; repeated Node nodes = 2; }
      message Stats { repeated Device devices = 1; }
      message Run { Stats stats = 1; }`);
    const nodes = labels.map((label, i) => ({ name: `node${i}`, label, start: 10 + i, end: 5 }));
    const run = root.lookupType('Run');
    return run.encode(run.fromObject({ stats: { devices: [{ device: 'cpu', nodes }] } })).finish();
  };

  it('tells the op of a node from its label, and takes what workers send each other for one', () => {
    const profile = decodeProfile(
      encoded(
        '[cpu 1.0MB 1.0MB] train/sum = CollectiveReduceV2(a, b)',
        '[1.0MB] [707.3Mb/s] 1:1:0 from /job:worker/task:1/device:CPU:0 to /job:worker/task:0/device:CPU:0',
      ),
    );
    expect(profile).toEqual([
      node('node0', 'CollectiveReduceV2', 0, 5),
      node('node1', 'node1', 1, 5),
    ]);
    expect(() => decodeProfile(encoded('something else'))).toThrow('something else');
  });
});

describe('opTable', () => {
  it('adds up the nodes of an op, and finds what no op and what several ops cover', () => {
    expect(opTable(PROFILE, 7.5)).toEqual({
      rows: [
        { op: 'Conv2D', count: 2, milliseconds: 5, bytes: 8000 },
        { op: 'Reciprocal', count: 1, milliseconds: 1.5, bytes: 4 },
        { op: 'Const', count: 1, milliseconds: 0.5, bytes: 16 },
      ],
      wall: 7.5,
      // 0-3 and 4-7 ms are covered.
      outside: 1.5,
      // 5-6 ms.
      twice: 1,
    });
  });

  it('counts time under one long node once', () => {
    const within = [
      node('a', 'Long', 0, 10e6),
      node('b', 'Short', 1e6, 1e6),
      node('c', 'Short', 3e6, 1e6),
    ];
    expect(opTable(within, 12)).toMatchObject({ outside: 2, twice: 2 });
  });

  it('has no rows, and all time outside, where nothing ran', () => {
    expect(opTable([], 3)).toEqual({ rows: [], wall: 3, outside: 3, twice: 0 });
  });
});

it('meanTable: an op that a step lacks counts as none there', () => {
  const table = (milliseconds: number, others: OpTable['rows'] = []): OpTable => ({
    rows: [{ op: 'Conv2D', count: 2, milliseconds, bytes: 8 }, ...others],
    wall: milliseconds + 2,
    outside: 3,
    twice: 1,
  });
  const other = { op: 'Add', count: 1, milliseconds: 20, bytes: 6 };
  expect(meanTable([table(4), table(8, [other])])).toEqual({
    rows: [
      { op: 'Add', count: 0.5, milliseconds: 10, bytes: 3 },
      { op: 'Conv2D', count: 2, milliseconds: 6, bytes: 8 },
    ],
    wall: 8,
    outside: 3,
    twice: 1,
  });
});

describe('the trace', () => {
  const events = traceEvents(PROFILE);

  it('has an event a node, in microseconds, with what it is part of', () => {
    expect(events[1]).toEqual({
      ph: 'X',
      pid: 1,
      tid: 1,
      ts: 4000,
      dur: 2000,
      name: 'Conv2D',
      cat: 'second_pass',
      args: {
        node: 'train/second_pass/conv1/Conv2D_1',
        scope: 'train/second_pass/conv1',
        bytes: 4000,
      },
    });
    expect(events.map(({ cat, args }) => [cat, args.scope])).toEqual([
      ['first_pass', 'train/first_pass/conv1'],
      ['second_pass', 'train/second_pass/conv1'],
      ['shared', ''],
      ['train', 'train'],
    ]);
    const added = [
      '_arg_train/indices_0_3',
      '_retval_train/measures_0_0',
      'train/ArithmeticOptimizer/AddOpsRewrite_Add_5',
    ];
    for (const { args } of traceEvents(added.map((name) => node(name, 'Op', 0, 1)))) {
      expect(args.scope).toBe('train');
    }
  });

  it('puts what runs at once into lanes of its own, and no two events of a lane overlap', () => {
    expect(events.map(({ tid }) => tid)).toEqual([1, 1, 2, 2]);
  });

  it('keeps the rules of the Trace Event Format', () => {
    const text = JSON.stringify(traceFile(events, 'a step', { title: 'by hand' }));
    const file = JSON.parse(text) as { traceEvents: Record<string, unknown>[]; fsam: unknown };
    expect(file.fsam).toEqual({ title: 'by hand' });
    for (const event of file.traceEvents) {
      expect(event).toMatchObject({
        name: expect.any(String),
        pid: expect.any(Number),
        tid: expect.any(Number),
        args: expect.any(Object),
      });
      expect(['X', 'M']).toContain(event['ph']);
      if (event['ph'] === 'X') {
        expect(event['ts']).toBeGreaterThanOrEqual(0);
        expect(event['dur']).toBeGreaterThanOrEqual(0);
        expect(event['cat']).toEqual(expect.any(String));
      } else {
        expect(event).toMatchObject({ args: { name: expect.any(String) } });
      }
    }
    const names = file.traceEvents.filter(({ ph }) => ph === 'M').map(({ name }) => name);
    expect(names).toEqual(['process_name', 'thread_name', 'thread_name']);
  });

  it('lasts as long as the table says', () => {
    const { rows } = opTable(PROFILE, 7.5);
    for (const { op, milliseconds } of rows) {
      const of = events.filter(({ name }) => name === op);
      expect(of.reduce((sum, { dur }) => sum + dur, 0)).toBe(1000 * milliseconds);
    }
  });
});

it('profileTable: ops by their time, then what no op took, then the whole', () => {
  expect(profileTable(opTable(PROFILE, 10)).split('\n')).toEqual([
    'op                                  count     ms    share   bytes',
    'Conv2D                                  2   5.00   50.0 %  8.0 kB',
    'Reciprocal                              1   1.50   15.0 %     4 B',
    'Const                                   1   0.50    5.0 %    16 B',
    'outside any op                              4.00   40.0 %',
    'several ops at once, counted twice         -1.00  -10.0 %',
    'the step                                4  10.00  100.0 %',
  ]);
  const [first] = PROFILE;
  expect(profileTable(opTable([first!], 4))).not.toContain('counted twice');
});

describe('beside --profile', () => {
  const refusal = (typed: Record<string, unknown>) => () =>
    refuseBesideProfile(new Map(Object.entries(typed)));

  it('takes what changes the step or how many are run', () => {
    expect(
      refusal({ config: 'smoke', steps: 2, batch: 3, threads: 1, modes: ['compiled'] }),
    ).not.toThrow();
  });

  it.each([
    [{ modes: ['compiled', 'stock'] }, '--modes: got compiled stock beside --profile'],
    [{ against: 'x.py' }, '--against: got it beside --profile'],
    [{ againstModes: ['default'] }, '--against-modes: got it'],
    [{ python: 'python3' }, '--python: got it'],
    [{ rounds: 2 }, '--rounds: got it'],
    [{ json: 'all.json' }, '--json: got it'],
  ])('refuses %j', (typed, message) => {
    expect(refusal(typed)).toThrow(message);
  });
});
