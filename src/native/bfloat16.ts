// Ops computed in bfloat16: float32's range with 8 bits of mantissa, half the memory to move, and
// about twice the speed where the processor has instructions for it.
import { UserError } from '../util/errors.js';
import { boolAttribute, intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { activeBackend, tf, type Tensor, type TFEOpAttr } from './tensorflow.js';
import type { ElementType } from './types.js';

/**
 * Runs `op` (one output; `attributes` state its type) on bfloat16 copies of the float32 tensors
 * among `inputs`, and gives its output as float32. tfjs has no tensors of this type: they stay
 * TensorFlow's own, between two casts.
 */
export function inBfloat16(op: string, attributes: TFEOpAttr[], inputs: readonly Tensor[]): Tensor {
  const backend = activeBackend();
  const { binding } = backend;
  const cast = (id: number, from: ElementType, to: ElementType) => {
    const types = [typeAttribute('SrcT', from), typeAttribute('DstT', to)];
    const [output] = binding.executeOp(
      'Cast',
      [...types, boolAttribute('Truncate', false)],
      [id],
      1,
    );
    return output as NonNullable<typeof output>;
  };
  const temporary: number[] = [];
  const keep = (id: number): number => {
    temporary.push(id);
    return id;
  };
  const narrow = backend
    .getInputTensorIds(inputs)
    .map((id, i) =>
      inputs[i]?.dtype === 'float32' ? keep(cast(id, 'float32', 'bfloat16').id) : id,
    );
  const [output] = binding.executeOp(op, attributes, narrow, 1);
  const wide = cast(keep((output as NonNullable<typeof output>).id), 'bfloat16', 'float32');
  for (const id of temporary) binding.deleteTensor(id);
  return backend.createOutputTensor(wide);
}

/**
 * Why this machine computes no convolutions in bfloat16, or undefined where it does. TensorFlow asks
 * the processor, oneDNN also what ONEDNN_MAX_CPU_ISA leaves of it, so that the one may hand to the
 * other what it then refuses. Only a convolution can tell.
 */
export function bfloat16Refusal(): string | undefined {
  const attributes = [
    typeAttribute('T', 'bfloat16'),
    intAttribute('strides', [1, 1, 1, 1]),
    stringAttribute('padding', 'VALID'),
  ];
  try {
    tf.tidy(() => inBfloat16('Conv2D', attributes, [tf.ones([1, 3, 3, 8]), tf.ones([3, 3, 8, 8])]));
    return undefined;
  } catch {
    const limit = process.env['ONEDNN_MAX_CPU_ISA'];
    return limit === undefined
      ? 'TensorFlow computes no convolutions in it here'
      : `oneDNN computes no convolutions in it with ONEDNN_MAX_CPU_ISA=${limit}`;
  }
}

/** Throws a UserError where convolutions in bfloat16 cannot be computed. */
export function requireBfloat16(): void {
  const refusal = bfloat16Refusal();
  if (refusal === undefined) return;
  throw new UserError(
    `model.precision: bfloat16 is refused: ${refusal}; use float32` +
      (process.env['ONEDNN_MAX_CPU_ISA'] === undefined ? '' : ', or unset that variable'),
  );
}
