// What a trace has to keep to: that all it declares is used, and what is lent is only read.
import { sizeOf } from '../native/types.js';
import { InternalError } from '../util/errors.js';
import type { Node } from './node.js';

/** Of no elements: the running statistics of a network that has none. */
export const isEmpty = ({ outputs }: Node): boolean => sizeOf(outputs[0]?.shape ?? []) === 0;

/**
 * An input that no result depends on was read as a number, or stands there for no reason: either
 * way the trace lies.
 */
export function checkUse(
  nodes: readonly Node[],
  name: string,
  results: readonly string[],
  placeholders: Readonly<Record<string, Node>>,
  reads: Readonly<Record<string, Node>>,
  optional: readonly string[],
): void {
  const used = ancestors(nodes, results);
  for (const [kind, table] of [
    ['input', placeholders],
    ['state variable', reads],
  ] as const) {
    for (const [key, node] of Object.entries(table)) {
      if (used.has(node.name) || isEmpty(node) || optional.includes(key)) continue;
      throw new InternalError(
        `${kind} ${key} of ${name} is not used: a number took its place in the trace, or it is not needed`,
      );
    }
  }
}

/**
 * Names of the nodes whose values `results` are computed from, themselves included; control inputs
 * carry no value.
 */
function ancestors(nodes: readonly Node[], results: readonly string[]): ReadonlySet<string> {
  const inputs = new Map(nodes.map((node) => [node.name, node.inputs]));
  const found = new Set<string>();
  const pending = [...results];
  for (let output = pending.pop(); output !== undefined; output = pending.pop()) {
    const name = output.replace(/:\d+$/, '');
    if (name.startsWith('^') || found.has(name)) continue;
    found.add(name);
    pending.push(...(inputs.get(name) ?? []));
  }
  return found;
}

/**
 * TensorFlow reads a lent input where it lies and may not keep its memory, as a variable would that is
 * assigned from it: something new has to be made of it first.
 *
 * Errors: InternalError that names what else uses it.
 */
export function checkLent(nodes: readonly Node[], { name }: Node): void {
  for (const user of nodes.filter(({ inputs }) => inputs.includes(name))) {
    if (makesNew(user, name)) continue;
    // The same memory under another name.
    if (user.op === 'Reshape') checkLent(nodes, user);
    else
      throw new InternalError(`${name} is lent, but ${user.op} ${user.name} may keep its memory`);
  }
}

/** A cast to another type, or rows gathered from it. */
function makesNew({ op, inputs, attributes }: Node, lent: string): boolean {
  switch (op) {
    case 'Cast':
      return attributes['SrcT']?.value !== attributes['DstT']?.value;
    case 'GatherV2':
      return inputs[0] === lent;
    default:
      return false;
  }
}
