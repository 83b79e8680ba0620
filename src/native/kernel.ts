// How an op of TensorFlow's becomes a kernel of tfjs with a gradient of its own, so that tfjs's tape
// takes it like any other.
import { typeAttribute } from './attributes.js';
import { activeBackend, onceOpen, tf, type Tensor } from './tensorflow.js';
import { required } from '../util/errors.js';

export type Inputs = Record<string, Tensor>;
export type Attributes = Record<string, unknown>;

export interface Kernel {
  readonly name: string;
  readonly forward: (inputs: Inputs, attributes: Attributes) => Tensor | Tensor[];
  readonly save: { inputs?: string[]; outputs?: boolean[] };
  readonly gradient: (
    dy: Tensor | Tensor[],
    saved: Tensor[],
    attributes: Attributes,
  ) => Record<string, () => Tensor>;
}

/** From the opening of TensorFlow on. */
export function register(kernel: Kernel): void {
  onceOpen(() => {
    tf.registerKernel({
      kernelName: kernel.name,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, attrs }) => kernel.forward(inputs as Inputs, attrs ?? {}),
    });
    tf.registerGradient({
      kernelName: kernel.name,
      inputsToSave: kernel.save.inputs ?? [],
      outputsToSave: kernel.save.outputs ?? [],
      gradFunc: kernel.gradient,
    });
  });
}

export function run(name: string, inputs: Inputs, attributes: Attributes = {}): Tensor | Tensor[] {
  return tf.engine().runKernel<Tensor | Tensor[]>(name, inputs, attributes as never);
}

export const single = (dy: Tensor | Tensor[]): Tensor =>
  Array.isArray(dy) ? required(dy[0], 'the gradient of the first output') : dy;

export const input = (inputs: Inputs, name: string): Tensor =>
  required(inputs[name], `kernel input ${name}`);

export const saved = (tensors: readonly Tensor[], index: number): Tensor =>
  required(tensors[index], `saved tensor ${index}`);

/** Whether a gradient of what is computed now may be asked for. */
export const isTaped = (): boolean =>
  (tf.engine() as unknown as { isTapeOn(): boolean }).isTapeOn();

/** The same float32 tensor, cut off from what it was computed from: no gradient goes through it. */
export const detached = <T extends Tensor>(x: T): T =>
  isTaped()
    ? (activeBackend().executeSingleOutput('Identity', [typeAttribute('T', 'float32')], [x]) as T)
    : x;
