// Writes recorded nodes as a GraphDef, TensorFlow's form of a graph.
//
// The messages below are the parts of tensorflow/core/framework/*.proto that we fill, a FunctionDef as
// its bytes; field numbers are TensorFlow's.
import protobuf from 'protobufjs';
import { DATA_TYPE } from '../native/types.js';
import { InternalError } from '../util/errors.js';
import type { Attribute, Node } from './node.js';

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message Dim { int64 size = 1; }
message TensorShapeProto { repeated Dim dim = 2; }
message TensorProto { int32 dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4; }
message ListValue { repeated int64 i = 3 [packed = true]; repeated int32 type = 6 [packed = true]; }
message NameAttrList { string name = 1; }
message AttrValue {
  oneof value {
    ListValue list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6;
    TensorShapeProto shape = 7; TensorProto tensor = 8; NameAttrList func = 10;
  }
}
message NodeDef { string name = 1; string op = 2; repeated string input = 3; string device = 4; map<string, AttrValue> attr = 5; }
message VersionDef { int32 producer = 1; }
message FunctionDefLibrary { repeated bytes function = 1; }
message GraphDef { repeated NodeDef node = 1; FunctionDefLibrary library = 2; VersionDef versions = 4; }
`;

/** The GraphDef version of TensorFlow 2.21: says which op semantics are meant. */
const PRODUCER = 2000;

const shapeMessage = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) });

function attributeMessage(attribute: Attribute): Record<string, unknown> {
  switch (attribute.kind) {
    case 'type':
      return { type: DATA_TYPE[attribute.value] };
    case 'types':
      return { list: { type: attribute.value.map((type) => DATA_TYPE[type]) } };
    case 'function':
      return { func: { name: attribute.value } };
    case 'int':
      return { i: attribute.value };
    case 'ints':
      return { list: { i: attribute.value } };
    case 'float':
      return { f: attribute.value };
    case 'bool':
      return { b: attribute.value };
    case 'string':
      return { s: Buffer.from(attribute.value) };
    case 'shape':
      return { shape: shapeMessage(attribute.value) };
    case 'tensor': {
      const { type, data } = attribute.value;
      const content = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return {
        tensor: {
          dtype: DATA_TYPE[type.dtype],
          tensor_shape: shapeMessage(type.shape),
          tensor_content: content,
        },
      };
    }
    default:
      return attribute satisfies never;
  }
}

const nodeMessage = (node: Node, place: (node: Node) => string) => ({
  name: node.name,
  op: node.op,
  input: node.inputs,
  device: place(node),
  attr: Object.fromEntries(
    Object.entries(node.attributes).map(([name, value]) => [name, attributeMessage(value)]),
  ),
});

/** How TensorFlow calls the devices that compute. */
export type DeviceKind = 'CPU' | 'GPU';

/**
 * The bytes of a graph of these nodes.
 *
 * @param place the name of a node's device; empty: TensorFlow places it
 * @param functions that nodes call, each a serialized FunctionDef
 */
export function encodeGraph(
  nodes: readonly Node[],
  place: (node: Node) => string = () => '',
  functions: readonly Uint8Array[] = [],
): Uint8Array {
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const type = root.lookupType('tensorflow.GraphDef');
  const message = {
    node: nodes.map((node) => nodeMessage(node, place)),
    ...(functions.length > 0 && { library: { function: functions } }),
    versions: { producer: PRODUCER },
  };
  const fault = type.verify(message);
  if (fault !== null) throw new InternalError(`the graph does not encode: ${fault}`);
  return type.encode(type.fromObject(message)).finish();
}
