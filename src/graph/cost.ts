// How much a traced function multiplies, counted from its shapes.
import type { TensorType } from '../native/types.js';
import { sizeOf } from '../native/types.js';
import { required } from '../util/errors.js';
import type { Graph } from './compile.js';
import type { Node } from './node.js';

/** Multiply-adds of all convolutions and matrix products of `functionName`; everything else is 0. */
export function multiplyAdds(graph: Graph, functionName: string): number {
  const types = new Map<string, TensorType>();
  for (const { name, outputs } of graph.nodes) {
    outputs.forEach((type, i) => types.set(i === 0 ? name : `${name}:${i}`, type));
  }
  const shapeOf = (output: string | undefined): readonly number[] =>
    required(types.get(output ?? ''), `the type of ${output ?? 'an input'}`).shape;
  return graph.nodes
    .filter(({ name }) => name.startsWith(`${functionName}/`))
    .reduce((sum, node) => sum + costOf(node, shapeOf), 0);
}

function costOf(node: Node, shapeOf: (output: string | undefined) => readonly number[]): number {
  const [first, second] = node.inputs;
  const outputs = sizeOf(node.outputs[0]?.shape ?? []);
  switch (node.op) {
    case 'Conv2D':
      // [K K I O]: K K I products for each number of the output.
      return outputs * sizeOf(shapeOf(second).slice(0, 3));
    case 'MatMul':
    case 'BatchMatMul':
    case 'BatchMatMulV2': {
      const transposed = ['transpose_a', 'adj_x'].some((name) => {
        const attribute = node.attributes[name];
        return attribute?.kind === 'bool' && attribute.value;
      });
      return outputs * (shapeOf(first).at(transposed ? -2 : -1) ?? 0);
    }
    default:
      return 0;
  }
}
