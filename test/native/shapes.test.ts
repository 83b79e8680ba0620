// Every shape rule against the op itself: TensorFlow's output types on random small inputs.
import { describe, expect, test } from 'vitest';
import { Recorder } from '../../src/graph/recorder.js';
import { inferTypes, KNOWN_OPS, RESERVES } from '../../src/graph/shapes.js';
import { intAttribute, stringAttribute } from '../../src/native/attributes.js';
import {
  eagerBackend,
  openTensorFlow,
  type TFEOpAttr,
  type TFJSBinding,
} from '../../src/native/tensorflow.js';
import '../../src/native/transformer.js';
import '../../src/native/winograd.js';
import { DATA_TYPE, describeType, elementType } from '../../src/native/types.js';
import { InternalError } from '../../src/util/errors.js';
import { randomStream } from '../../src/util/random.js';
import { EXAMPLES } from './support/op-examples.js';
import { constant, Draw, type Example, type Operand } from './support/operands.js';

// The tables of cases below hold attributes as TensorFlow takes them.
openTensorFlow();

/** Types of the outputs of `op`, executed or recorded: whatever `binding` does; of a reserve its element type. */
function outputTypes(binding: TFJSBinding, op: string, example: Example): string[] {
  const ids = example.inputs.map(({ type, values }) =>
    binding.createTensor([...type.shape], DATA_TYPE[type.dtype], values),
  );
  const outputs = binding.executeOp(op, [...(example.attributes ?? [])], ids, example.outputs ?? 1);
  for (const id of [...ids, ...outputs.map((output) => output.id)]) binding.deleteTensor(id);
  return outputs.map(({ shape, dtype }, index) =>
    RESERVES[op]?.includes(index) === true
      ? elementType(dtype)
      : describeType({ shape, dtype: elementType(dtype) }),
  );
}

/** What TensorFlow computes only where several take part: workers.test.ts does. */
const OF_SEVERAL = ['CollectiveReduceV2'];

test('every op with a rule has an example, and no other', () => {
  expect([...Object.keys(EXAMPLES), ...OF_SEVERAL].sort()).toEqual([...KNOWN_OPS].sort());
});

test.each(Object.entries(EXAMPLES))('%s', (op, example) => {
  for (let round = 0; round < 20; round++) {
    const call = example(new Draw(randomStream(round, 'synthetic')));
    const recorded = outputTypes(new Recorder().binding(), op, call);
    const real = outputTypes(eagerBackend().binding, op, call);
    const inputs = call.inputs.map(({ type }) => describeType(type)).join(', ');
    expect(recorded, `${op}(${inputs}), round ${round}`).toEqual(real);
  }
});

describe('inputs that do not fit are an internal error that names op and types', () => {
  const record =
    (op: string, inputs: readonly Operand[], attributes: TFEOpAttr[] = []) =>
    () =>
      outputTypes(new Recorder().binding(), op, { inputs, attributes });
  const draw = new Draw(randomStream(0, 'synthetic'));
  const conv = (padding: string) => [
    intAttribute('strides', [1, 1, 1, 1]),
    stringAttribute('padding', padding),
  ];
  const image = draw.float([1, 4, 4, 3]);

  test.each<[string, () => unknown, RegExp]>([
    ['an unknown op', record('Bucketize', [image]), /op Bucketize\(.*has no shape rule/],
    [
      'shapes that do not broadcast',
      record('Mul', [draw.float([2, 3]), draw.float([2])]),
      /op Mul\(float32 \[2 3\], float32 \[2\]\) has shapes that do not broadcast/,
    ],
    [
      'matrices of other inner extents',
      record('MatMul', [draw.float([2, 3]), draw.float([2, 3])]),
      /op MatMul\(.*inner extents that differ/,
    ],
    [
      'a filter for other channels',
      record('Conv2D', [image, draw.float([3, 3, 2, 5])], conv('SAME')),
      /op Conv2D\(.*another number of channels/,
    ],
    [
      'a padding without a rule',
      record('Conv2D', [image, draw.float([3, 3, 3, 5])], conv('EXPLICIT')),
      /padding EXPLICIT, for which no rule/,
    ],
    [
      'an attribute left out',
      record('Conv2D', [image, draw.float([3, 3, 3, 5])]),
      /wants the attribute strides \(ints\)/,
    ],
    [
      'a shape of another size',
      record('Reshape', [draw.float([6]), constant([4, 2])]),
      /cannot take the shape \[4 2\]/,
    ],
    [
      'a shape whose open extent is no integer',
      record('Reshape', [draw.float([5]), constant([2, -1])]),
      /cannot take the shape \[2 -1\]/,
    ],
    [
      'a cut into another length',
      record('SplitV', [draw.float([5]), constant([2, 2]), constant(0)]),
      /is cut into 4 along axis 0/,
    ],
    [
      'an axis beyond the rank',
      record('Sum', [draw.float([2, 3]), constant([2])]),
      /op Sum\(.*has no axis 2/,
    ],
    ['a missing input', record('Sum', [draw.float([2, 3])]), /op Sum\(.*has no input 1/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(InternalError);
    expect(call).toThrow(message);
  });

  test('a shape that is computed', () => {
    const x = { dtype: 'float32', shape: [6], output: 'x' } as const;
    const shape = { dtype: 'int32', shape: [2], output: 'computed' } as const;
    expect(() => inferTypes('Reshape', [x, shape], {})).toThrow(
      /takes its shape from computed, which is not a constant/,
    );
  });
});
