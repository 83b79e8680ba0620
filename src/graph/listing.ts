// A traced program as text: each function's nodes with their types, and how many ops of each kind.
import { describeType } from '../native/types.js';
import type { Graph } from './compile.js';
import type { Attribute, Node } from './node.js';

/** The nodes of `functionName`, one a line in the order they were recorded, then the counts. */
export function describeFunction(graph: Graph, functionName: string): string {
  const nodes = graph.nodes.filter((node) => node.name.startsWith(`${functionName}/`));
  const shown = nodes.map((node) => shorten(describeNode(node), functionName));
  return [`${functionName}:`, ...shown.map((line) => `  ${line}`), '', ...countOps(nodes)].join(
    '\n',
  );
}

function shorten(line: string, functionName: string): string {
  return line.replaceAll(`${functionName}/`, '');
}

function describeNode(node: Node): string {
  const inputs = node.inputs.filter((input) => !input.startsWith('^'));
  const options = Object.entries(node.attributes)
    .filter(([name]) => SHOWN.has(name))
    .map(([name, attribute]) => `${name}=${describeAttribute(attribute)}`);
  const types = node.outputs.map(describeType).join(', ');
  return `${node.name} = ${node.op}(${[...inputs, ...options].join(', ')}): ${types || '-'}`;
}

/** Attributes worth a reader's time; the others repeat the types. */
const SHOWN = new Set(['strides', 'padding', 'ksize', 'is_training', 'axis', 'keep_dims', 'DstT']);

function describeAttribute(attribute: Attribute): string {
  switch (attribute.kind) {
    case 'ints':
    case 'types':
    case 'shape':
      return `[${attribute.value.join(' ')}]`;
    case 'tensor':
      return describeType(attribute.value.type);
    case 'type':
    case 'int':
    case 'float':
    case 'bool':
    case 'string':
    case 'function':
      return String(attribute.value);
    default:
      return attribute satisfies never;
  }
}

function countOps(nodes: readonly Node[]): string[] {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return [
    `${nodes.length} nodes:`,
    ...sorted.map(([op, count]) => `  ${String(count).padStart(5)} ${op}`),
  ];
}
