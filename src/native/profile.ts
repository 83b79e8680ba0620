// What ran in one call of a session, and when: TensorFlow's record of it, read.
//
// The messages below are the parts of tensorflow/core/framework/{step_stats,tensor_description,
// allocation_description}.proto that we read; field numbers are TensorFlow's.
import protobuf from 'protobufjs';
import { required } from '../util/errors.js';

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message AllocationDescription { int64 requested_bytes = 1; }
message TensorDescription { AllocationDescription allocation_description = 4; }
message NodeOutput { TensorDescription tensor_description = 3; }
message NodeExecStats {
  string node_name = 1; repeated NodeOutput output = 7; string timeline_label = 8;
  int64 all_start_nanos = 13; int64 op_start_rel_nanos = 14; int64 op_end_rel_nanos = 15;
}
message DeviceStepStats { string device = 1; repeated NodeExecStats node_stats = 2; }
message StepStats { repeated DeviceStepStats dev_stats = 1; }
message RunMetadata { StepStats step_stats = 1; }
`;

/** A serialized RunOptions { trace_level: FULL_TRACE }, of tensorflow/core/protobuf/config.proto. */
export const FULL_TRACE = Uint8Array.of(0x08, 3);

/** A node that ran. Times are whole nanoseconds. */
export interface ProfiledNode {
  readonly name: string;
  readonly op: string;
  /** Of its kernel, counted from the first kernel's. */
  readonly start: number;
  readonly duration: number;
  /** Of its outputs, whether their memory is new or one of its inputs'. */
  readonly bytes: number;
}

/** The nodes that ran, by their start. Those of several threads may overlap. */
export type Profile = readonly ProfiledNode[];

interface NodeStats {
  readonly node_name: string;
  readonly timeline_label: string;
  readonly output: readonly {
    readonly tensor_description?: {
      readonly allocation_description?: { readonly requested_bytes: string };
    };
  }[];
  readonly all_start_nanos: string;
  readonly op_start_rel_nanos: string;
  readonly op_end_rel_nanos: string;
}

/**
 * Reads the RunMetadata of a run with `FULL_TRACE` on CPUs.
 *
 * Errors: InternalError where a node does not say what it is.
 */
export function decodeProfile(metadata: Uint8Array): Profile {
  const nodes = statsOf(metadata);
  // Nanoseconds since 1970 are more than a number holds.
  const starts = nodes.map(
    (node) => BigInt(node.all_start_nanos) + BigInt(node.op_start_rel_nanos),
  );
  const first = starts.reduce((a, b) => (a < b ? a : b), starts[0] ?? 0n);
  return nodes
    .map((node, i) => ({
      name: node.node_name,
      op: opOf(node),
      start: Number(required(starts[i], 'a start') - first),
      duration: Number(node.op_end_rel_nanos) - Number(node.op_start_rel_nanos),
      bytes: bytesOf(node),
    }))
    .sort((a, b) => a.start - b.start);
}

function statsOf(metadata: Uint8Array): readonly NodeStats[] {
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const type = root.lookupType('tensorflow.RunMetadata');
  const options = { longs: String, defaults: true, arrays: true };
  const { step_stats: stats } = type.toObject(type.decode(metadata), options) as {
    readonly step_stats: { readonly dev_stats: readonly { node_stats: readonly NodeStats[] }[] };
  };
  return stats.dev_stats.flatMap((device) => device.node_stats);
}

/** The kinds of the ops that ran, on whatever device: of a record as `decodeProfile` reads, of any trace level. */
export function opsRun(metadata: Uint8Array): ReadonlySet<string> {
  return new Set(
    statsOf(metadata).flatMap(({ timeline_label: label }) => OP.exec(label)?.[1] ?? []),
  );
}

const OP = / = (\w+)\(/;

/**
 * A label is `[cpu 1.2MB 1.2MB] name = Op(inputs)`, its bracket only where memory was allocated; that of a transfer between
 * workers, which is no node, ends in `from DEVICE to DEVICE`.
 */
function opOf({ node_name: name, timeline_label: label }: NodeStats): string {
  if (/ from \S+ to \S+$/.test(label)) return name;
  return required(OP.exec(label)?.[1], `the op of ${name}, profiled as ${label},`);
}

function bytesOf({ output }: NodeStats): number {
  return output.reduce(
    (sum, { tensor_description: tensor }) =>
      sum + Number(tensor?.allocation_description?.requested_bytes ?? 0),
    0,
  );
}
