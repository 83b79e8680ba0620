// What a GPU leaves to the host: a data set that memory holds, the gathering of a batch from it, and what moves its
// bytes (crops and flips) until they become numbers. GatherV2 has no kernel for uint8 on a GPU, and a variable none
// for int32. Left to itself TensorFlow would put the images on the GPU and bring all of them back for every batch.
import type { Node } from './node.js';

/** What has to do with a variable of whole numbers, which is a data set's. */
const ACCESS: readonly string[] = ['AssignVariableOp', 'ReadVariableOp', 'GatherV2'];

/** Names of those of `nodes`, with what is fed for them alone. */
export function hostNodes(nodes: readonly Node[]): ReadonlySet<string> {
  const found = new Set<string>();
  // In the order recorded: what a node takes comes before it.
  for (const node of nodes) {
    const first = node.inputs[0]?.replace(/:\d+$/, '') ?? '';
    const isPart =
      node.op === 'VarHandleOp'
        ? isOfWholeNumbers(node)
        : found.has(first) && (ACCESS.includes(node.op) || node.outputs[0]?.dtype === 'uint8');
    if (isPart) found.add(node.name);
  }
  for (const name of fedFor(nodes, found)) found.add(name);
  return found;
}

function isOfWholeNumbers({ attributes: { dtype } }: Node): boolean {
  return dtype?.kind === 'type' && (dtype.value === 'uint8' || dtype.value === 'int32');
}

/** Placeholders and constants that nobody else takes. */
function fedFor(nodes: readonly Node[], host: ReadonlySet<string>): string[] {
  const taken = new Set<string>();
  const takenElsewhere = new Set<string>();
  for (const node of nodes) {
    const places = host.has(node.name) ? taken : takenElsewhere;
    for (const input of node.inputs) places.add(input);
  }
  return nodes
    .filter(({ op, name }) => (op === 'Placeholder' || op === 'Const') && taken.has(name))
    .filter(({ name }) => !takenElsewhere.has(name))
    .map(({ name }) => name);
}
