// How TensorFlow is to run a graph, as the ConfigProto that a session is opened with.
//
// The messages below are the parts of tensorflow/core/protobuf/{config,rewriter_config}.proto that we
// fill; field numbers are TensorFlow's.
import protobuf from 'protobufjs';
import type { DeviceKind } from './graph-def.js';

/** The messages, for those that hold a ConfigProto. */
export const CONFIG_MESSAGES = `
message RewriterConfig { enum Toggle { DEFAULT = 0; ON = 1; OFF = 2; } Toggle arithmetic_optimization = 7; }
message OptimizerOptions { enum GlobalJitLevel { DEFAULT = 0; OFF = -1; ON_1 = 1; } GlobalJitLevel global_jit_level = 5; }
message GraphOptions { OptimizerOptions optimizer_options = 3; RewriterConfig rewrite_options = 10; }
message Experimental { string collective_group_leader = 1; }
message ConfigProto {
  map<string, int32> device_count = 1; repeated string device_filters = 4; bool allow_soft_placement = 7;
  GraphOptions graph_options = 10; bool isolate_session_state = 15; Experimental experimental = 16;
}
`;

/** What a session is to know of the machine. */
export interface SessionPlace {
  /** That the graph is on; of the CPU as many are made, which share its threads. */
  readonly devices: number;
  readonly kind: DeviceKind;
  /** Which worker of the run this is; null where there is one. */
  readonly worker: number | null;
  /** Whether the graph has calls that XLA compiles; left out: none. */
  readonly xla?: boolean;
}

/** How TensorFlow calls worker `index` of a run. */
export const taskName = (index: number): string => `/job:worker/replica:0/task:${index}`;

/**
 * Everything as TensorFlow has it, but for its arithmetic optimizer: that one gathers chains of
 * additions into one AddN, which begins with whichever input's memory happens to be free, so that
 * a + b + c would not be the same bits in every run.
 *
 * Left as TensorFlow has it on a GPU, too: its layout optimizer, which turns float32 training to NCHW,
 * the layout in which cuDNN's float32 kernels compute, and leaves bfloat16 in ours, NHWC, which tensor
 * cores read. Memory is taken as it is needed by TF_FORCE_GPU_ALLOW_GROWTH (gpu-environment.ts).
 *
 * As the fields of a ConfigProto.
 */
export const configFields = ({ devices, kind, worker, xla = false }: SessionPlace) => ({
  graph_options: {
    rewrite_options: { arithmetic_optimization: 'OFF' },
    // Without it no call is compiled, whatever it is marked with.
    ...(xla && { optimizer_options: { global_jit_level: 'ON_1' } }),
  },
  // What has no kernel on a GPU stays on the host.
  ...((devices > 1 || kind === 'GPU') && { allow_soft_placement: true }),
  ...(devices > 1 && kind === 'CPU' && { device_count: { CPU: devices } }),
  ...(worker !== null && {
    // The first hands out the numbers of steps: without it all wait for ever.
    experimental: { collective_group_leader: taskName(0) },
    // A worker's graph is on its own devices: its session need not wait for the others.
    device_filters: [taskName(worker).replace('/replica:0', '')],
    // Else the variables of all sessions of a server would be the same.
    isolate_session_state: true,
  }),
});

export function sessionConfig(place: SessionPlace): Uint8Array {
  const { root } = protobuf.parse(`syntax = "proto3"; package tensorflow; ${CONFIG_MESSAGES}`, {
    keepCase: true,
  });
  const type = root.lookupType('tensorflow.ConfigProto');
  return type.encode(type.fromObject(configFields(place))).finish();
}
