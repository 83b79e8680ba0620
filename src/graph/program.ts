// Functions over shared state, traced once and run by TensorFlow as graphs. The door of this
// folder.
import { activeBackend, type Tensor } from '../native/tensorflow.js';
import { describeType, sizeOf, type TensorType, type TypedArray } from '../native/types.js';
import { InternalError } from '../util/errors.js';

export type Tensors = Readonly<Record<string, Tensor>>;
export type Values = Readonly<Record<string, TypedArray>>;
export type TensorTypes = Readonly<Record<string, TensorType>>;

/** One entry point: a pure function from state and inputs to new state and outputs. */
export interface FunctionSpec {
  readonly inputs: TensorTypes;
  /**
   * Those of the inputs that a compiled program reads where they lie, without a copy: large ones, of
   * which the trace makes something new before anything else (a cast, a gather).
   */
  readonly lent?: readonly string[];
  /** The state variables that it reads. Only these, and those overwritten, may it give a new value. */
  readonly state: readonly string[];
  /** Those that it gives a new value unread. */
  readonly overwritten?: readonly string[];
  /** Those of the inputs and the state that it need not use; any other that it does not is a mistake. */
  readonly optional?: readonly string[];
  /** Computes; `state` of the result holds only what changed. */
  readonly body: (state: Tensors, inputs: Tensors) => { state?: Tensors; outputs: Tensors };
}

/** State variables and the functions over them. */
export interface ProgramSpec {
  readonly variables: TensorTypes;
  readonly functions: Readonly<Record<string, FunctionSpec>>;
}

/** Told the serialized RunMetadata of a run; only compiled programs have one. */
export type OnTrace = (metadata: Uint8Array) => void;

/** A program in execution; its state lives on the device. */
export interface Program {
  /**
   * Runs a function: feeds its inputs, applies the new state, gives the outputs. Where there is a
   * `traced`, it is given TensorFlow's record of the run, for decodeProfile.
   */
  run(name: string, inputs: Values, traced?: OnTrace): Record<string, TypedArray>;
  read(variable: string): TypedArray;
  write(variable: string, values: TypedArray): void;
  dispose(): void;
}

/** The entry `name` of a table of a program, or an InternalError that lists what there is. */
export function entry<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  const value = table[name];
  if (value === undefined) {
    throw new InternalError(`no ${what} ${name}; there are ${Object.keys(table).join(', ')}`);
  }
  return value;
}

/**
 * Holds what is fed against what a function declares: no input missing, unknown, or of another
 * length or type.
 */
export function checkInputs(name: string, declared: TensorTypes, given: Values): void {
  for (const input of Object.keys(given)) entry(declared, input, `input of ${name}`);
  for (const [input, type] of Object.entries(declared)) {
    checkValues(`input ${input} of ${name}`, type, entry(given, input, `value fed to ${name} for`));
  }
}

/** How values of each type lie in host memory; bfloat16 never leaves the graph. */
const ARRAYS = {
  float32: Float32Array,
  bfloat16: null,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

export function checkValues(what: string, type: TensorType, values: TypedArray): void {
  const wanted = ARRAYS[type.dtype];
  if (wanted !== null && values instanceof wanted && values.length === sizeOf(type.shape)) return;
  throw new InternalError(
    `${what} is ${describeType(type)}, got a ${values.constructor.name} of ${values.length} elements`,
  );
}

/** Puts host values on the device as a tensor of the active backend, uint8 included. */
export function upload(type: TensorType, values: TypedArray, dataType: number): Tensor {
  const backend = activeBackend();
  const shape = [...type.shape];
  const id = backend.binding.createTensor(shape, dataType, values);
  return backend.createOutputTensor({ id, shape, dtype: dataType });
}
