// Ops computed in bfloat16: float32's range with 8 bits of mantissa, half the memory to move, and
// about twice the speed where the processor has instructions for it.
import { boolAttribute, typeAttribute } from './attributes.js';
import { activeBackend, type Tensor, type TFEOpAttr } from './tensorflow.js';
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
