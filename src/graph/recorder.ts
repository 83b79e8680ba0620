// A binding for tfjs-node's backend that writes operations down instead of executing them.
import { awaitedTensors, deviceInForce, namePrefix } from '../native/scope.js';
import {
  activeBackend,
  eagerBackend,
  type TFEOpAttr,
  type TFJSBinding,
} from '../native/tensorflow.js';
import {
  DATA_TYPE,
  describeType,
  elementType,
  sizeOf,
  type TensorType,
  type TypedArray,
} from '../native/types.js';
import { InternalError, required } from '../util/errors.js';
import type { Attribute, Node, SymbolicTensor } from './node.js';
import { inferTypes } from './shapes.js';

/**
 * A constant of more elements than this, not all equal, is refused: it is a baked random number or
 * a captured batch.
 */
const LARGEST_CONSTANT = 4096;
/** A constant of more elements than this, all equal, becomes a Fill. */
const LARGEST_PLAIN_CONSTANT = 16;

/** Nodes that need a place, not tfjs's binding: what `Program` adds itself. */
export interface NodeRequest {
  readonly name: string;
  readonly op: string;
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: readonly TensorType[];
}

/**
 * Ids of tensors are never used twice, so that a tensor of another trace cannot pass for one of
 * this.
 */
let nextTensor = 1;

export class Recorder {
  readonly nodes: Node[] = [];
  readonly #tensors = new Map<number, SymbolicTensor>();
  readonly #constants = new Map<string, SymbolicTensor>();
  readonly #names = new Set<string>();
  readonly #counts = new Map<string, number>();

  /**
   * Starts another function: its tensors and constants are its own, so that no function computes
   * for another.
   */
  startFunction(): void {
    this.#tensors.clear();
    this.#constants.clear();
  }

  /** Adds a node under a name of its own: `name`, or `name_2` and so on where that is taken. */
  add(request: NodeRequest): Node {
    const node: Node = {
      name: this.#freeName(request.name),
      op: request.op,
      inputs: [...(request.inputs ?? [])],
      attributes: request.attributes ?? {},
      device: deviceInForce(),
      outputs: request.outputs ?? [],
    };
    this.nodes.push(node);
    return node;
  }

  #freeName(wanted: string): string {
    let count = this.#counts.get(wanted) ?? 1;
    let name = wanted;
    while (this.#names.has(name)) name = `${wanted}_${++count}`;
    this.#counts.set(wanted, count);
    this.#names.add(name);
    return name;
  }

  /** Gives output `index` of `node` a tensor id, by which tfjs's backend knows it. */
  bind(node: Node, index = 0, value?: TypedArray): { id: number; shape: number[]; dtype: number } {
    const type = required(node.outputs[index], `output ${index} of ${node.name}`);
    const id = nextTensor++;
    const output = index === 0 ? node.name : `${node.name}:${index}`;
    this.#tensors.set(id, { ...type, output, ...(value === undefined ? {} : { value }) });
    return { id, shape: [...type.shape], dtype: DATA_TYPE[type.dtype] };
  }

  tensor(id: number): SymbolicTensor {
    const tensor = this.#tensors.get(id);
    if (tensor !== undefined) return tensor;
    throw new InternalError(
      'a tensor of another trace was captured by a traced function; make it an input or a state variable',
    );
  }

  /**
   * The part of tfjs's binding that its kernels call. Constants of the enumeration are the real
   * binding's.
   */
  binding(): TFJSBinding {
    const real = eagerBackend().binding;
    const refuse = (what: string) => () => {
      throw new InternalError(`${what} while a function is traced`);
    };
    const recording: Partial<TFJSBinding> = {
      createTensor: (shape: number[], dtype: number, values: TypedArray) =>
        this.#constant({ dtype: elementType(dtype), shape: [...shape] }, values),
      deleteTensor: () => undefined,
      tensorDataSync: (id: number) => this.#read(id),
      executeOp: (op: string, attributes: TFEOpAttr[], inputs: number[]) =>
        this.#operation(op, attributes, inputs),
      isUsingGpuDevice: () => false,
      loadSavedModel: refuse('a SavedModel was loaded'),
      runSavedModel: refuse('a SavedModel was run'),
    };
    return Object.create(real, Object.getOwnPropertyDescriptors(recording)) as TFJSBinding;
  }

  #controlInputs(): string[] {
    const ids = activeBackend().getInputTensorIds(awaitedTensors());
    const nodes = ids.map((id) => this.tensor(id).output.replace(/:\d+$/, ''));
    return [...new Set(nodes)].map((node) => `^${node}`);
  }

  #read(id: number): TypedArray {
    const { value, output } = this.tensor(id);
    if (value !== undefined) return value;
    throw new InternalError(
      `the value of ${output} was read while its function is traced: it has none yet; keep the computation in tensors`,
    );
  }

  #constant(type: TensorType, values: TypedArray): number {
    const size = sizeOf(type.shape);
    if (size > LARGEST_PLAIN_CONSTANT && values.every((value) => value === values[0])) {
      return this.#fill(type, values);
    }
    if (size > LARGEST_CONSTANT) {
      throw new InternalError(
        `a constant ${describeType(type)} in ${namePrefix() || 'the function'}: a random tensor or a batch was ` +
          'baked into the trace; make it an input or a state variable',
      );
    }
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    // Each device has constants of its own: none has to wait for another's.
    const key = `${deviceInForce()} ${describeType(type)} ${bytes.toString('base64')}`;
    let constant = this.#constants.get(key);
    if (constant === undefined) {
      const data = values.slice();
      const node = this.add({
        name: 'constant',
        op: 'Const',
        attributes: {
          dtype: { kind: 'type', value: type.dtype },
          value: { kind: 'tensor', value: { type, data } },
        },
        outputs: [type],
      });
      constant = { ...type, output: node.name, value: data };
      this.#constants.set(key, constant);
    }
    const id = nextTensor++;
    this.#tensors.set(id, constant);
    return id;
  }

  /** `values`: all equal. Those of integers stay known: they may decide a shape. */
  #fill(type: TensorType, values: TypedArray): number {
    const shape = this.tensor(
      this.#constant({ dtype: 'int32', shape: [type.shape.length] }, Int32Array.from(type.shape)),
    );
    const value = values.subarray(0, 1);
    const element = this.tensor(this.#constant({ dtype: type.dtype, shape: [] }, value));
    const node = this.add({
      name: `${namePrefix()}Fill`,
      op: 'Fill',
      inputs: [shape.output, element.output],
      attributes: {
        T: { kind: 'type', value: type.dtype },
        index_type: { kind: 'type', value: 'int32' },
      },
      outputs: [type],
    });
    return this.bind(node, 0, type.dtype === 'int32' ? values.slice() : undefined).id;
  }

  #operation(
    op: string,
    rawAttributes: TFEOpAttr[],
    inputIds: number[],
  ): { id: number; shape: number[]; dtype: number }[] {
    const attributes = Object.fromEntries(
      rawAttributes.map((attribute) => [attribute.name, convertAttribute(attribute)]),
    );
    const inputs = [...inputIds].map((id) => this.tensor(id));
    Object.assign(attributes, impliedAttributes(op, inputs, attributes));
    const outputs = inferTypes(op, inputs, attributes);
    const node = this.add({
      name: namePrefix() + op,
      op,
      inputs: [...inputs.map((tensor) => tensor.output), ...this.#controlInputs()],
      attributes,
      outputs,
    });
    return outputs.map((_, index) => this.bind(node, index));
  }
}

/**
 * Type attributes that eager execution infers from an input (its index) where tfjs leaves them out,
 * and a graph must state.
 */
const IMPLIED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0, Tdim: 1 },
};

function impliedAttributes(
  op: string,
  inputs: readonly SymbolicTensor[],
  given: Readonly<Record<string, Attribute>>,
): Record<string, Attribute> {
  const missing = Object.entries(IMPLIED[op] ?? {}).filter(([name]) => !(name in given));
  return Object.fromEntries(
    missing.map(([name, index]) => [
      name,
      { kind: 'type', value: required(inputs[index], `input ${index} of ${op}`).dtype },
    ]),
  );
}

function convertAttribute({ name, type, value }: TFEOpAttr): Attribute {
  const { binding } = eagerBackend();
  switch (type) {
    case binding.TF_ATTR_TYPE:
      return { kind: 'type', value: elementType(value as number) };
    case binding.TF_ATTR_INT:
      return Array.isArray(value)
        ? { kind: 'ints', value: value as number[] }
        : { kind: 'int', value: value as number };
    case binding.TF_ATTR_FLOAT:
      return { kind: 'float', value: value as number };
    case binding.TF_ATTR_BOOL:
      return { kind: 'bool', value: value as boolean };
    case binding.TF_ATTR_STRING:
      return { kind: 'string', value: value as string };
    case binding.TF_ATTR_SHAPE:
      return { kind: 'shape', value: value as number[] };
    default:
      throw new InternalError(
        `attribute ${name} is of a kind the recorder does not know (${type})`,
      );
  }
}
