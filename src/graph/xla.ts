// XLA: what a traced function computes becomes the body of one call, which TensorFlow hands to XLA to compile as a
// whole.
//
// Outside of the call stay the function's variables, what it is fed, what has to do with a data set that memory holds
// (host-nodes.ts), of which only the batch goes in, and the random draws, for which XLA has another generator.
import { opsRun } from '../native/profile.js';
import { makeFunction } from '../native/session.js';
import type { TensorType } from '../native/types.js';
import { required, UserError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';
import { encodeGraph } from './graph-def.js';
import { hostNodes } from './host-nodes.js';
import type { Node } from './node.js';
import type { OnTrace } from './program.js';

/** What was recorded of one function. */
export interface Recorded {
  readonly nodes: readonly Node[];
  /** Nodes that are fetched. */
  readonly fetched: readonly string[];
}

interface Called {
  readonly nodes: readonly Node[];
  /** Of each function that calls one, a serialized FunctionDef. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

const nodeOf = (output: string): string => output.replace(/^\^|:\d+$/g, '');
const isControl = (input: string): boolean => input.startsWith('^');

/** What comes before the call, beside what a data set takes. */
const FIRST: readonly string[] = ['Placeholder', 'ReadVariableOp', 'StatelessRandomUniform'];

/**
 * The same graph, where each function computes by one call. One that computes nothing stays as it is.
 *
 * @param nodes of the whole graph, those of `functions` included
 */
export function withCalls(
  nodes: readonly Node[],
  functions: Readonly<Record<string, Recorded>>,
): Called {
  const host = hostNodes(nodes);
  const called = Object.entries(functions).map(([name, recorded], i) => ({
    name,
    recorded,
    ...callOf(name, `compiled_${i}`, recorded, host),
  }));
  const inFunctions = new Set(called.flatMap(({ recorded }) => recorded.nodes));
  return {
    nodes: [
      ...nodes.filter((node) => !inFunctions.has(node)),
      ...called.flatMap(({ nodes: own }) => own),
    ],
    bodies: new Map(
      called.flatMap(({ name, body }) => (body === null ? [] : [[name, body] as const])),
    ),
  };
}

/** A function's nodes with the call in place of what it computes. */
function callOf(
  name: string,
  bodyName: string,
  recorded: Recorded,
  host: ReadonlySet<string>,
): { readonly nodes: readonly Node[]; readonly body: Uint8Array | null } {
  const { before, inside, after, taken, given, waitsFor } = partsOf(recorded, host);
  if (inside.every(({ op }) => op === 'Const')) return { nodes: recorded.nodes, body: null };
  const types = new Map(recorded.nodes.flatMap((node) => typesOf(node)));
  const typed = (output: string): TensorType => required(types.get(output), `type of ${output}`);
  const call: Node = {
    name: `${name}/compiled`,
    op: 'PartitionedCall',
    inputs: [...taken, ...waitsFor],
    attributes: {
      Tin: { kind: 'types', value: taken.map((output) => typed(output).dtype) },
      Tout: { kind: 'types', value: given.map((output) => typed(output).dtype) },
      f: { kind: 'function', value: bodyName },
      _XlaMustCompile: { kind: 'bool', value: true },
    },
    device: 0,
    outputs: given.map(typed),
  };
  const results = new Map(given.map((output, i) => [output, outputOf(call.name, i)]));
  const rewired = after.map((node) => ({
    ...node,
    inputs: node.inputs.map((input) => results.get(input) ?? input),
  }));
  const parameters = taken.map((output) => [output, typed(output)] as const);
  return {
    nodes: [...before, call, ...rewired],
    body: bodyOf(bodyName, inside, parameters, given),
  };
}

/** Where a function is cut. */
interface Parts {
  readonly before: readonly Node[];
  readonly inside: readonly Node[];
  readonly after: readonly Node[];
  /** Outputs from before that are used inside. */
  readonly taken: readonly string[];
  /** Outputs from inside that are used after. */
  readonly given: readonly string[];
  /** Control inputs of what is inside from before. */
  readonly waitsFor: readonly string[];
}

function partsOf({ nodes, fetched }: Recorded, host: ReadonlySet<string>): Parts {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const nodeAt = (input: string): Node | undefined => byName.get(nodeOf(input));
  const before = sourcesOf(
    nodes,
    nodes.filter((node) => FIRST.includes(node.op) || host.has(node.name)),
    (input) => (isControl(input) ? undefined : nodeAt(input)),
  );
  const isOutside = (node: Node): boolean => before.has(node) && node.op !== 'Const';
  const after = nodes.filter(({ op, name }) => op === 'AssignVariableOp' || fetched.includes(name));
  const results = after.flatMap(({ inputs }) => inputs).filter((input) => !isControl(input));
  const given = unique(results).filter((output) => {
    const node = nodeAt(output);
    return node !== undefined && !before.has(node);
  });
  // A constant may be on both sides.
  const inside = sourcesOf(
    nodes,
    given.flatMap((output) => nodeAt(output) ?? []),
    (input) => {
      const node = nodeAt(input);
      return node === undefined || isOutside(node) ? undefined : node;
    },
  );
  const inputs = [...inside].flatMap((node) => node.inputs);
  const outside = unique(inputs).filter((input) => {
    const node = nodeAt(input);
    return node !== undefined && !inside.has(node);
  });
  return {
    // What comes before waits for nothing inside.
    before: [...before].map((node) => ({
      ...node,
      inputs: node.inputs.filter((input) => {
        const awaited = isControl(input) ? nodeAt(input) : undefined;
        return awaited === undefined || before.has(awaited);
      }),
    })),
    inside: [...inside],
    after,
    taken: outside.filter((input) => !isControl(input)),
    given,
    waitsFor: outside.filter(isControl),
  };
}

const unique = (inputs: readonly string[]): string[] => [...new Set(inputs)];

/** `of`, and all that they come from by inputs that are `followed`, in the order recorded. */
function sourcesOf(
  nodes: readonly Node[],
  of: readonly Node[],
  followed: (input: string) => Node | undefined,
): ReadonlySet<Node> {
  const found = new Set(of);
  const pending = [...of];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    for (const source of node.inputs.flatMap((input) => followed(input) ?? [])) {
      if (found.has(source)) continue;
      found.add(source);
      pending.push(source);
    }
  }
  return new Set(nodes.filter((node) => found.has(node)));
}

/**
 * Runs a call for the first time, with a record: that is when it is compiled. TensorFlow may run one that is not op by
 * op, and say nothing.
 *
 * @param run gives the serialized RunMetadata to what it is given
 * Errors: UserError where it is not compiled, with the op that stops it where there is one.
 */
export function compiling<T>(name: string, run: (record: OnTrace) => T, traced?: OnTrace): T {
  let metadata: Uint8Array | undefined;
  const result = told(name, () =>
    run((record) => {
      metadata = record;
    }),
  );
  const record = required(metadata, 'a record');
  if (!opsRun(record).has('_XlaRun')) {
    throw new UserError(`xla: got on, and TensorFlow does not compile ${name}; wanted off`);
  }
  traced?.(record);
  return result;
}

function told<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    const op = /unsupported operations .*?: (\w+) \(/.exec(messageOf(error))?.[1];
    if (op === undefined) throw error;
    throw new UserError(
      `xla: got on, and XLA has no ${op}, which ${name} computes with; wanted off`,
    );
  }
}

const outputOf = (name: string, index: number): string => (index === 0 ? name : `${name}:${index}`);

const typesOf = ({ name, outputs }: Node): [string, TensorType][] =>
  outputs.map((type, i) => [outputOf(name, i), type]);

function bodyOf(
  name: string,
  nodes: readonly Node[],
  taken: readonly (readonly [output: string, type: TensorType])[],
  given: readonly string[],
): Uint8Array {
  const own = new Set(nodes.map((node) => node.name));
  const parameters = taken.map(([, { dtype, shape }], i): Node => ({
    name: `parameter_${i}`,
    op: 'Placeholder',
    inputs: [],
    attributes: { dtype: { kind: 'type', value: dtype }, shape: { kind: 'shape', value: shape } },
    device: 0,
    outputs: [{ dtype, shape }],
  }));
  const parameterOf = new Map(taken.map(([output], i) => [output, `parameter_${i}`]));
  const body = nodes.map((node) => ({
    ...node,
    inputs: node.inputs
      // The whole call waits for what is outside.
      .filter((input) => !isControl(input) || own.has(nodeOf(input)))
      .map((input) => parameterOf.get(input) ?? input),
  }));
  const graph = encodeGraph([...parameters, ...body]);
  return makeFunction(graph, name, [...parameterOf.values()], given);
}
