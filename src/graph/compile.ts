// Traces a program's functions into one graph and runs it in one TensorFlow session.
import { FULL_TRACE } from '../native/profile.js';
import { openGraph, type Computation } from '../native/session.js';
import { eagerBackend } from '../native/tensorflow.js';
import { describeType, type TensorType, type TypedArray } from '../native/types.js';
import { counted } from '../util/counted.js';
import { InternalError, required, UserError } from '../util/errors.js';
import { trace, type Tracing } from './backend.js';
import { checkLent, checkUse, isEmpty } from './check-trace.js';
import { encodeGraph, type DeviceKind } from './graph-def.js';
import { hostNodes } from './host-nodes.js';
import {
  checkInputs,
  checkValues,
  entry,
  type FunctionSpec,
  type OnTrace,
  type Program,
  type ProgramSpec,
  type Tensors,
  type TensorTypes,
  type Values,
} from './program.js';
import type { Attribute, Node } from './node.js';
import { Recorder } from './recorder.js';
import { sessionConfig, taskName } from './session-config.js';
import type { Workers } from './workers.js';
import { compiling, withCalls } from './xla.js';

/** Where the pieces of a traced function are in the graph. */
interface EntryPoint {
  readonly inputs: TensorTypes;
  readonly lent: readonly string[];
  /** Names of the nodes to fetch, by output. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Its own, in the order recorded. */
  readonly nodes: readonly Node[];
}

/** A traced program: nodes, and how to reach the functions. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly functions: Readonly<Record<string, EntryPoint>>;
  readonly variables: TensorTypes;
}

const typeAttribute = (type: TensorType): Attribute => ({ kind: 'type', value: type.dtype });
const shapeAttribute = (type: TensorType): Attribute => ({ kind: 'shape', value: type.shape });

/** Node names of variable `name`'s own entry points. */
const access = (name: string) => ({
  handle: name,
  fed: `${name}/value`,
  assign: `${name}/assign`,
  read: `${name}/read`,
});

/** Traces every function of `spec`: nothing is computed, TensorFlow is not called. */
export function traceProgram(spec: ProgramSpec): Graph {
  const recorder = new Recorder();
  for (const [name, type] of Object.entries(spec.variables)) addVariable(recorder, name, type);
  const functions = Object.fromEntries(
    Object.entries(spec.functions).map(([name, definition]) => {
      recorder.startFunction();
      return [name, traceFunction(recorder, name, definition, spec.variables)];
    }),
  );
  return { nodes: recorder.nodes, functions, variables: spec.variables };
}

function addVariable(recorder: Recorder, name: string, type: TensorType): void {
  const dtype = typeAttribute(type);
  const shape = shapeAttribute(type);
  const names = access(name);
  recorder.add({
    name: names.handle,
    op: 'VarHandleOp',
    attributes: { dtype, shape, shared_name: { kind: 'string', value: name } },
    outputs: [type],
  });
  recorder.add({
    name: names.fed,
    op: 'Placeholder',
    attributes: { dtype, shape },
    outputs: [type],
  });
  recorder.add({
    name: names.assign,
    op: 'AssignVariableOp',
    inputs: [names.handle, names.fed],
    attributes: { dtype },
  });
  recorder.add({
    name: names.read,
    op: 'ReadVariableOp',
    inputs: [names.handle],
    attributes: { dtype },
    outputs: [type],
  });
}

function traceFunction(
  recorder: Recorder,
  name: string,
  spec: FunctionSpec,
  variables: TensorTypes,
): EntryPoint {
  const begin = recorder.nodes.length;
  return trace(recorder, name, (tracing) => {
    const placeholders = mapValues(spec.inputs, (type, input) =>
      recorder.add({
        name: `${name}/${input}`,
        op: 'Placeholder',
        attributes: { dtype: typeAttribute(type), shape: shapeAttribute(type) },
        outputs: [type],
      }),
    );
    const reads = mapValues(
      Object.fromEntries(
        spec.state.map((variable) => [variable, entry(variables, variable, 'variable')]),
      ),
      (type, variable) =>
        recorder.add({
          name: `${name}/${variable}`,
          op: 'ReadVariableOp',
          inputs: [access(variable).handle],
          attributes: { dtype: typeAttribute(type) },
          outputs: [type],
        }),
    );
    const result = spec.body(
      mapValues(reads, (node) => tracing.tensor(node)),
      mapValues(placeholders, (node) => tracing.tensor(node)),
    );
    const types = typesOf(spec, variables);
    const assigned = assignState(recorder, tracing, name, { reads, types }, result.state ?? {});
    const outputs = fetchOutputs(recorder, tracing, name, result.outputs, assigned);
    const { lent = [], optional = [] } = spec;
    const results = [...outputs.values(), ...assigned];
    checkUse(recorder.nodes, name, results, placeholders, reads, optional);
    for (const input of lent)
      checkLent(recorder.nodes, entry(placeholders, input, `input of ${name}`));
    return { inputs: spec.inputs, lent, outputs, nodes: recorder.nodes.slice(begin) };
  });
}

/** Of the state variables that it may give a new value. */
const typesOf = ({ state, overwritten = [] }: FunctionSpec, variables: TensorTypes): TensorTypes =>
  Object.fromEntries(
    [...state, ...overwritten].map((name) => [name, entry(variables, name, 'variable')]),
  );

/**
 * Assigns the new state, each assignment after every read: all of a step sees the state from before
 * it.
 */
function assignState(
  recorder: Recorder,
  tracing: Tracing,
  name: string,
  { reads, types }: { readonly reads: Readonly<Record<string, Node>>; readonly types: TensorTypes },
  state: Tensors,
): string[] {
  const afterReads = Object.values(reads).map((node) => `^${node.name}`);
  return Object.entries(state).map(([variable, tensor]) => {
    const type = entry(types, variable, `state variable declared by ${name}:`);
    const symbol = tracing.symbol(tensor, `the new ${variable} of ${name}`);
    if (describeType(symbol) !== describeType(type)) {
      throw new InternalError(
        `the new ${variable} of ${name} is ${describeType(symbol)}, the variable is ${describeType(type)}`,
      );
    }
    const read = reads[variable];
    if (read !== undefined && symbol.output === read.name && !isEmpty(read)) {
      throw new InternalError(
        `${name} returns the state ${variable} unchanged: leave it out, or compute it`,
      );
    }
    const assign = recorder.add({
      name: `${name}/assign_${variable}`,
      op: 'AssignVariableOp',
      inputs: [access(variable).handle, symbol.output, ...afterReads],
      attributes: { dtype: typeAttribute(type) },
    });
    return assign.name;
  });
}

/** Names the outputs; each waits for the assignments, so that fetching it runs them. */
function fetchOutputs(
  recorder: Recorder,
  tracing: Tracing,
  name: string,
  outputs: Tensors,
  assigned: readonly string[],
): Map<string, string> {
  const entries = Object.entries(outputs);
  if (entries.length === 0) throw new InternalError(`${name} has no output: nothing would run it`);
  return new Map(
    entries.map(([output, tensor]) => {
      const symbol = tracing.symbol(tensor, `output ${output} of ${name}`);
      const node = recorder.add({
        name: `${name}/${output}`,
        op: 'Identity',
        inputs: [symbol.output, ...assigned.map((assign) => `^${assign}`)],
        attributes: { T: typeAttribute(symbol) },
        outputs: [symbol],
      });
      return [output, node.name];
    }),
  );
}

function mapValues<A, B>(
  table: Readonly<Record<string, A>>,
  change: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, change(value, key)]));
}

/** Errors: UserError where `there` has fewer of a kind than are wanted. */
export function refuseFewerDevices(
  there: readonly string[],
  kind: DeviceKind,
  wanted: number,
): void {
  const found = there.filter((name) => name.includes(`/device:${kind}:`)).length;
  if (found >= wanted) return;
  throw new UserError(
    `devices: got ${wanted}, TensorFlow finds ${counted(found, kind)}; wanted that many at most (CUDA_VISIBLE_DEVICES hides some, nvidia-smi lists all)`,
  );
}

export interface LoadOptions {
  /** That the graph meets others by; null: it is alone. */
  readonly workers?: Workers | null;
  /**
   * Whether XLA compiles each function as a whole, when it is first run. On one device, without workers, and without
   * ops of our own (`withoutOwnOps`).
   */
  readonly xla?: boolean;
}

/**
 * Loads a traced program into a TensorFlow session of its own. Variables have no value until
 * written.
 */
export function loadGraph(
  graph: Graph,
  { workers = null, xla = false }: LoadOptions = {},
): Program {
  const { nodes, bodies } = xla
    ? inCalls(graph)
    : { nodes: graph.nodes, bodies: new Map<string, Uint8Array>() };
  const devices = 1 + nodes.reduce((most, { device }) => Math.max(most, device), 0);
  const kind = eagerBackend().binding.isUsingGpuDevice() ? 'GPU' : 'CPU';
  const task = workers === null ? '' : taskName(workers.index);
  const isPlaced = devices > 1 || workers !== null;
  const host = kind === 'GPU' ? hostNodes(nodes) : new Set();
  const place = ({ name, device }: Node): string => {
    if (host.has(name)) return `${task}/device:CPU:0`;
    return isPlaced ? `${task}/device:${kind}:${device}` : '';
  };
  const session = openGraph(encodeGraph(nodes, place, [...bodies.values()]), {
    config: sessionConfig({ devices, kind, worker: workers?.index ?? null, xla }),
    ...(workers && { target: workers.target }),
  });
  try {
    refuseFewerDevices(session.devices, kind, devices);
  } catch (error) {
    session.close();
    throw error;
  }
  const functions = mapValues(graph.functions, ({ inputs, lent, outputs }, name) => ({
    inputs,
    outputs: [...outputs.keys()],
    computation: session.define({
      name,
      feeds: Object.entries(inputs).map(([input, type]) => ({
        node: `${name}/${input}`,
        type,
        lent: lent.includes(input),
      })),
      outputs: [...outputs.values()],
    }),
  }));
  const variables = mapValues(graph.variables, (type, name) => {
    const { fed, assign, read } = access(name);
    return {
      type,
      read: session.define({ name: read, outputs: [read] }),
      write: session.define({ name: assign, feeds: [{ node: fed, type }], targets: [assign] }),
    };
  });
  const uncompiled = new Set(bodies.keys());

  return {
    run(name, given: Values, traced) {
      const { inputs, outputs, computation } = entry(functions, name, 'function');
      checkInputs(name, inputs, given);
      const fed = Object.keys(inputs).map((input) => required(given[input], input));
      const record = (told: OnTrace) => runTraced(computation, fed, told);
      const values = uncompiled.has(name)
        ? compiling(name, record, traced)
        : traced === undefined
          ? computation.run(fed)
          : record(traced);
      uncompiled.delete(name);
      return Object.fromEntries(outputs.map((output, i) => [output, required(values[i], output)]));
    },
    read(variable) {
      return required(entry(variables, variable, 'variable').read.run([])[0], variable);
    },
    write(variable, values) {
      const { type, write } = entry(variables, variable, 'variable');
      checkValues(variable, type, values);
      write.run([values]);
    },
    dispose() {
      session.close();
    },
  };
}

const inCalls = ({ nodes, functions }: Graph) =>
  withCalls(
    nodes,
    mapValues(functions, (entryPoint) => ({
      nodes: entryPoint.nodes,
      fetched: [...entryPoint.outputs.values()],
    })),
  );

function runTraced(
  computation: Computation,
  fed: readonly TypedArray[],
  traced: OnTrace,
): readonly TypedArray[] {
  const { outputs, metadata } = computation.runTraced(fed, FULL_TRACE);
  traced(metadata);
  return outputs;
}
