// The schema of a configuration file as JSON Schema: what editors check with, and what error
// messages are worded from.
import { z } from 'zod';
import { configSchema } from '../catalogue/schema.js';

/** The part of JSON Schema that this project's schema makes use of. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly patternErrorMessage?: string;
}

/**
 * The JSON Schema of a configuration file. It differs from the schema of a whole configuration in
 * two ways: a file may name another with `extends`, and keys that it leaves out may stand there, so
 * that none is required.
 */
export function configJsonSchema(): SchemaNode {
  return (known ??= build());
}

/** Every message is worded from it: it is made once, and only where it is asked for. */
let known: SchemaNode | undefined;

function build(): SchemaNode {
  const whole = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      delete jsonSchema.required;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  }) as SchemaNode;
  const parent: SchemaNode = {
    type: 'string',
    minLength: 1,
    description: 'Another file, relative to this one, whose keys hold where this one is silent.',
  };
  return { ...whole, properties: { extends: parent, ...whole.properties } };
}

/** The node that describes the value at `path`, or undefined where the schema knows no such key. */
export function schemaAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (typeof step === 'number') node = node?.items;
    else {
      const properties: SchemaNode['properties'] = node?.properties ?? {};
      const name = String(step);
      node = Object.hasOwn(properties, name) ? properties[name] : undefined;
    }
  }
  return node;
}

/** The dotted names of all keys, maps and their keys alike: `optimizer`, `optimizer.rho`, ... */
export function keyPaths(node: SchemaNode, prefix = ''): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    prefix + key,
    ...keyPaths(child, `${prefix}${key}.`),
  ]);
}
