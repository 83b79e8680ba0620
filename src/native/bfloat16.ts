// Tensors in bfloat16: float32's range with 8 bits of mantissa, half the memory, and about twice the speed where the
// processor has instructions for it. narrowing.ts says what is computed of them.
import { boolAttribute, intAttribute, stringAttribute, typeAttribute } from './attributes.js';
import { input, register, run, single } from './kernel.js';
import { isNarrowIn, narrowing } from './narrowing.js';
import { usesStockOps } from './stock-ops.js';
import { activeBackend, eagerBackend, onceOpen, tf, type Tensor } from './tensorflow.js';
import { UserError } from '../util/errors.js';

// A trace has a binding of its own (src/graph/backend.ts).
onceOpen(() => {
  const backend = eagerBackend();
  backend.binding = narrowing(backend.binding);
});

/** Whether it is in bfloat16; to tfjs it is float32 either way. */
export function isNarrow(x: Tensor): boolean {
  const { binding } = activeBackend();
  return activeBackend()
    .getInputTensorIds([x])
    .some((id) => isNarrowIn(binding, id));
}

const cast = (x: Tensor, from: 'float32' | 'bfloat16', to: 'float32' | 'bfloat16'): Tensor =>
  activeBackend().executeSingleOutput(
    'Cast',
    [typeAttribute('SrcT', from), typeAttribute('DstT', to), boolAttribute('Truncate', false)],
    [x],
  );

register({
  name: 'fsam.Narrow',
  forward: (inputs) => cast(input(inputs, 'x'), 'float32', 'bfloat16'),
  save: {},
  gradient: (dy) => ({ x: () => widened(single(dy)) }),
});

register({
  name: 'fsam.Widen',
  forward: (inputs) => cast(input(inputs, 'x'), 'bfloat16', 'float32'),
  save: {},
  gradient: (dy) => ({ x: () => narrowed(single(dy)) }),
});

/** In bfloat16, rounded to nearest; its gradient in float32. Itself beside tfjs's own operations. */
export const narrowed = <T extends Tensor>(x: T): T =>
  usesStockOps() || isNarrow(x) ? x : (run('fsam.Narrow', { x }) as T);

/** In float32; its gradient in bfloat16. */
export const widened = <T extends Tensor>(x: T): T =>
  isNarrow(x) ? (run('fsam.Widen', { x }) as T) : x;

/** A weight, as what it is computed with: its gradient is float32 either way. */
export const matching = <T extends Tensor>(x: Tensor, weight: T): T =>
  isNarrow(x) ? narrowed(weight) : weight;

/** Computes in float32 inside, and gives bfloat16 where `x` is. */
export const inFloat32 = <In extends Tensor, Out extends Tensor>(
  x: In,
  body: (wide: In) => Out,
): Out => (isNarrow(x) ? narrowed(body(widened(x))) : body(x));

/**
 * Why this machine does not compute in bfloat16, or undefined where it does. TensorFlow asks
 * the processor, oneDNN also what ONEDNN_MAX_CPU_ISA leaves of it, so that the one may hand to the
 * other what it then refuses. Only a convolution can tell.
 */
export function bfloat16Refusal(): string | undefined {
  const attributes = [
    typeAttribute('T', 'float32'),
    intAttribute('strides', [1, 1, 1, 1]),
    stringAttribute('padding', 'VALID'),
  ];
  try {
    tf.tidy(() => {
      const [x, filter] = [tf.ones([1, 3, 3, 8]), tf.ones([3, 3, 8, 8])].map(narrowed);
      activeBackend().executeSingleOutput('Conv2D', attributes, [x, filter] as Tensor[]);
    });
    return undefined;
  } catch {
    const limit = process.env['ONEDNN_MAX_CPU_ISA'];
    return limit === undefined
      ? 'TensorFlow computes no convolutions in it here'
      : `oneDNN computes no convolutions in it with ONEDNN_MAX_CPU_ISA=${limit}`;
  }
}

/** Throws a UserError where it cannot be computed in. */
export function requireBfloat16(): void {
  const refusal = bfloat16Refusal();
  if (refusal === undefined) return;
  throw new UserError(
    `model.precision: bfloat16 is refused: ${refusal}; use float32` +
      (process.env['ONEDNN_MAX_CPU_ISA'] === undefined ? '' : ', or unset that variable'),
  );
}
