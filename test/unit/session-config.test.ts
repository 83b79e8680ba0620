// What a session is opened with, byte by byte: field numbers are those of TensorFlow's config.proto.
import { expect, test } from 'vitest';
import { sessionConfig } from '../../src/graph/session-config.js';

/** graph_options 10 { rewrite_options 10 { arithmetic_optimization 7: OFF 2 } } */
const ARITHMETIC_OFF = [0x52, 0x04, 0x52, 0x02, 0x38, 0x02];
/** allow_soft_placement 7: true */
const SOFT_PLACEMENT = [0x38, 0x01];

test('one CPU has the arithmetic optimizer off, and nothing else of ours', () => {
  const config = sessionConfig({ devices: 1, kind: 'CPU', worker: null });
  expect([...config]).toEqual(ARITHMETIC_OFF);
});

test('on a GPU, what has no kernel there may stay on the host', () => {
  const config = sessionConfig({ devices: 1, kind: 'GPU', worker: null });
  expect([...config]).toEqual([...SOFT_PLACEMENT, ...ARITHMETIC_OFF]);
});
