// Processes that train together: each has a graph of its own, and they meet in sums.
//
// TensorFlow's server does the talking. It listens on every interface of the machine, whatever address it is given, and asks
// nobody who they are: whoever opens one has to know that the network is closed.
import protobuf from 'protobufjs';
import { sumOverWorkers, type Gathering } from '../native/collective.js';
import { startServer } from '../native/session.js';
import { tf, type Tensor1D } from '../native/tensorflow.js';
import { keepVigil } from '../native/vigil.js';
import { UserError } from '../util/errors.js';
import { messageOf } from '../util/file-errors.js';
import type { StopSignal } from '../util/stop-signals.js';
import type { WorkersPlace } from '../util/workers-place.js';
import { CONFIG_MESSAGES, configFields, type SessionPlace } from './session-config.js';

export interface Workers extends Pick<WorkersPlace, 'index' | 'timeoutSeconds'> {
  readonly count: number;
  /** Of the sessions of this process. */
  readonly target: string;
  readonly stop: Stop;
  /** For a sum that is traced next: all workers trace the same sums in the same order. */
  readonly gathering: () => Gathering;
}

/** How the workers come to end after the same step. */
interface Stop {
  /** What has asked this one to; the others are told with its next step. */
  wanted: () => StopSignal | null;
  /** What has asked one of them to, by the last step. */
  agreed: StopSignal | null;
}

const MESSAGES = `
syntax = "proto3";
package tensorflow;
message JobDef { string name = 1; map<int32, string> tasks = 2; }
message ClusterDef { repeated JobDef job = 1; }
message ServerDef {
  ClusterDef cluster = 1; string job_name = 2; int32 task_index = 3; ConfigProto default_session_config = 4;
  string protocol = 5;
}
${CONFIG_MESSAGES}
`;

/**
 * Starts this process's server. Once a process: it cannot be stopped.
 *
 * Errors: UserError where its port is taken.
 */
export function joinWorkers(
  { index, addresses, timeoutSeconds }: WorkersPlace,
  place: Pick<SessionPlace, 'devices' | 'kind'>,
): Workers {
  const { root } = protobuf.parse(MESSAGES, { keepCase: true });
  const type = root.lookupType('tensorflow.ServerDef');
  const tasks = Object.fromEntries(addresses.map((address, i) => [i, address]));
  const definition = type.fromObject({
    cluster: { job: [{ name: 'worker', tasks }] },
    job_name: 'worker',
    task_index: index,
    protocol: 'grpc',
    default_session_config: configFields({ ...place, worker: index }),
  });
  const target = started(type.encode(definition).finish(), addresses[index] ?? '');
  keepVigil({ index, addresses, timeoutSeconds });
  let sums = 0;
  return {
    index,
    timeoutSeconds,
    count: addresses.length,
    stop: { wanted: () => null, agreed: null },
    target,
    gathering: () => ({ count: addresses.length, key: ++sums, timeoutSeconds }),
  };
}

function started(definition: Uint8Array, address: string): string {
  try {
    return startServer(definition);
  } catch (error) {
    throw new UserError(
      `workers: no server starts at ${address} (${messageOf(error)}); wanted a free port of this machine, and no second worker of its number`,
    );
  }
}

/** Traced: the sums of vectors [N] over all workers, by one collective; themselves where there is one worker. */
export function sumsOver(workers: Workers | null, vectors: readonly Tensor1D[]): Tensor1D[] {
  if (workers === null) return [...vectors];
  const sum = sumOverWorkers(tf.concat([...vectors]), workers.gathering());
  let begin = 0;
  return vectors.map(({ size }) => {
    begin += size;
    return tf.slice(sum, begin - size, size);
  });
}
