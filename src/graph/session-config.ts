// How TensorFlow is to run a graph, as the ConfigProto that a session is opened with.
//
// The messages below are the parts of tensorflow/core/protobuf/{config,rewriter_config}.proto that we
// fill; field numbers are TensorFlow's.
import protobuf from 'protobufjs';
import type { DeviceKind } from './graph-def.js';

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message RewriterConfig { enum Toggle { DEFAULT = 0; ON = 1; OFF = 2; } Toggle arithmetic_optimization = 7; }
message GraphOptions { RewriterConfig rewrite_options = 10; }
message ConfigProto { map<string, int32> device_count = 1; bool allow_soft_placement = 7; GraphOptions graph_options = 10; }
`;

/**
 * Everything as TensorFlow has it, but for its arithmetic optimizer: that one gathers chains of
 * additions into one AddN, which begins with whichever input's memory happens to be free, so that
 * a + b + c would not be the same bits in every run.
 *
 * @param devices that the graph is on; of the CPU as many are made, which share its threads
 */
export function sessionConfig(devices: number, kind: DeviceKind): Uint8Array {
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const type = root.lookupType('tensorflow.ConfigProto');
  const { OFF } = root.lookupEnum('tensorflow.RewriterConfig.Toggle').values;
  const message = {
    graph_options: { rewrite_options: { arithmetic_optimization: OFF } },
    // What has no kernel on a GPU stays on the host.
    ...(devices > 1 && { allow_soft_placement: true }),
    ...(devices > 1 && kind === 'CPU' && { device_count: { CPU: devices } }),
  };
  return type.encode(type.fromObject(message)).finish();
}
