// Runs a program's functions op by op on TensorFlow's eager backend: the reference that traces are
// held against.
import { eagerBackend, tf, type Tensor } from '../native/tensorflow.js';
import { DATA_TYPE, type TypedArray } from '../native/types.js';
import { InternalError } from '../util/errors.js';
import {
  checkInputs,
  checkValues,
  entry,
  upload,
  type Program,
  type ProgramSpec,
} from './program.js';

/**
 * The same program without a trace. Slow; every result is the compiled one's within float32
 * rounding.
 */
export function runEagerly(spec: ProgramSpec): Program {
  const state = new Map<string, Tensor>();
  const current = (variable: string): Tensor => {
    const tensor = state.get(variable);
    if (tensor === undefined) throw new InternalError(`variable ${variable} was never written`);
    return tensor;
  };
  const replace = (variable: string, tensor: Tensor): void => {
    const old = state.get(variable);
    // A function may hand back a variable as it was.
    if (old !== tensor) old?.dispose();
    state.set(variable, tf.keep(tensor));
  };

  return {
    run(name, inputs, traced) {
      if (traced !== undefined) throw new InternalError(`${name} runs op by op: it has no trace`);
      const { body, inputs: types, state: variables } = entry(spec.functions, name, 'function');
      checkInputs(name, types, inputs);
      // Not returned through tidy, which would look for tensors in every element of them.
      let outputs: Record<string, TypedArray> = {};
      tf.tidy(() => {
        const fed = Object.fromEntries(
          Object.entries(types).map(([input, type]) => [
            input,
            upload(type, entry(inputs, input, 'input'), DATA_TYPE[type.dtype]),
          ]),
        );
        const old = Object.fromEntries(variables.map((variable) => [variable, current(variable)]));
        const result = body(old, fed);
        outputs = Object.fromEntries(
          Object.entries(result.outputs).map(([output, tensor]) => [
            output,
            tensor.dataSync<'float32' | 'int32' | 'bool'>(),
          ]),
        );
        for (const [variable, tensor] of Object.entries(result.state ?? {})) {
          replace(variable, tensor);
        }
      });
      return outputs;
    },
    read(variable) {
      entry(spec.variables, variable, 'variable');
      return eagerBackend().binding.tensorDataSync(
        eagerBackend().getInputTensorIds([current(variable)])[0] ?? 0,
      );
    },
    write(variable, values) {
      const type = entry(spec.variables, variable, 'variable');
      checkValues(variable, type, values);
      replace(variable, upload(type, values.slice(), DATA_TYPE[type.dtype]));
    },
    dispose() {
      for (const tensor of state.values()) tensor.dispose();
      state.clear();
    },
  };
}
