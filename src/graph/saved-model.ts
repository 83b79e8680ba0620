// Writes recorded nodes as a TensorFlow SavedModel: the one form of graph that tfjs-node can load.
//
// The messages below are the parts of tensorflow/core/framework/*.proto and
// protobuf/{meta_graph,saved_model}.proto that we fill; field numbers are TensorFlow's.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { DATA_TYPE } from '../native/types.js';
import { InternalError } from '../util/errors.js';
import type { Attribute, Node } from './recorder.js';

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message Dim { int64 size = 1; }
message TensorShapeProto { repeated Dim dim = 2; }
message TensorProto { int32 dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4; }
message ListValue { repeated int64 i = 3 [packed = true]; }
message AttrValue {
  oneof value {
    ListValue list = 1; bytes s = 2; int64 i = 3; float f = 4; bool b = 5; int32 type = 6;
    TensorShapeProto shape = 7; TensorProto tensor = 8;
  }
}
message NodeDef { string name = 1; string op = 2; repeated string input = 3; map<string, AttrValue> attr = 5; }
message VersionDef { int32 producer = 1; }
message GraphDef { repeated NodeDef node = 1; VersionDef versions = 4; }
message MetaInfoDef { repeated string tags = 4; }
message MetaGraphDef { MetaInfoDef meta_info_def = 1; GraphDef graph_def = 2; }
message SavedModel { int64 saved_model_schema_version = 1; repeated MetaGraphDef meta_graphs = 2; }
`;

/** The GraphDef version of TensorFlow 2.21: says which op semantics are meant. */
const PRODUCER = 2000;

export const TAG = 'serve';

const shapeMessage = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size })) });

function attributeMessage(attribute: Attribute): Record<string, unknown> {
  switch (attribute.kind) {
    case 'type':
      return { type: DATA_TYPE[attribute.value] };
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

const nodeMessage = (node: Node) => ({
  name: node.name,
  op: node.op,
  input: node.inputs,
  attr: Object.fromEntries(
    Object.entries(node.attributes).map(([name, value]) => [name, attributeMessage(value)]),
  ),
});

/** The bytes of saved_model.pb for a graph of these nodes. */
function encodeSavedModel(nodes: readonly Node[]): Uint8Array {
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const type = root.lookupType('tensorflow.SavedModel');
  const message = {
    saved_model_schema_version: 1,
    meta_graphs: [
      {
        meta_info_def: { tags: [TAG] },
        graph_def: { node: nodes.map(nodeMessage), versions: { producer: PRODUCER } },
      },
    ],
  };
  const fault = type.verify(message);
  if (fault !== null) throw new InternalError(`the graph does not encode: ${fault}`);
  return type.encode(type.fromObject(message)).finish();
}

/** Writes a SavedModel into `directory`, which is made. */
export function writeSavedModel(directory: string, nodes: readonly Node[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'saved_model.pb'), encodeSavedModel(nodes));
}
