// Which worker of a run this process is: by the process that started it, by srun, or by TF_CONFIG.
import { z } from 'zod';
import { InternalError, UserError } from '../util/errors.js';
import { parseJson } from '../util/json.js';
import { WORKER_VARIABLE, type WorkersPlace } from '../util/workers-place.js';
import { slurmPlace, type Environment } from './slurm-place.js';

/** What a user asks for of workers. */
interface WorkersAsked {
  /** After which one that waits for another gives up. */
  readonly timeoutSeconds: number;
  /** Whether the user knows what a server of TensorFlow's is. */
  readonly opensServer: boolean;
}

/** What everybody who is to open one has to know. */
export const SERVER =
  "a server of TensorFlow's that listens on every interface of its machine and asks nobody who they are";

/** Why one is not opened by itself. */
export const OPEN_SERVER = `each opens ${SERVER}; --open-server says that the network is closed`;

/**
 * Null where this process trains alone. Within Slurm, whose network is a cluster's own, nobody has to agree to servers.
 *
 * Errors: UserError where the variables do not tell, or a server would be opened that nobody has agreed to.
 */
export function workersPlace(
  { timeoutSeconds, opensServer }: WorkersAsked,
  environment: Environment = process.env,
): WorkersPlace | null {
  const started = environment[WORKER_VARIABLE];
  if (started !== undefined) return { ...startedPlace(started), timeoutSeconds };
  const told = tensorFlowPlace(environment['TF_CONFIG']);
  if (told === null) return taskPlace(timeoutSeconds, environment);
  if (opensServer) return { ...told, timeoutSeconds };
  throw new UserError(`TF_CONFIG: names ${told.addresses.length} workers; ${OPEN_SERVER}`);
}

/** Which process of a task of Slurm's this is; null where the task has one. */
export function taskPlace(
  timeoutSeconds: number,
  environment: Environment = process.env,
): WorkersPlace | null {
  const place = slurmPlace(environment);
  return place && { ...place, timeoutSeconds };
}

type Place = Omit<WorkersPlace, 'timeoutSeconds'>;

/** For a process to be started. */
export const placeText = ({ index, addresses }: Place): string => [index, ...addresses].join(',');

function startedPlace(text: string): Place {
  const [index, ...addresses] = text.split(',');
  const place = { index: Number(index), addresses };
  if (place.index < addresses.length) return place;
  throw new InternalError(`${WORKER_VARIABLE} is ${text}`);
}

/** The part of TensorFlow's own variable that says where a worker is. */
const tensorFlowConfig = z.object({
  // Of other jobs, such as a chief, there are none here.
  cluster: z.strictObject({ worker: z.array(z.string().regex(/:\d+$/)).min(1) }),
  task: z.object({ type: z.literal('worker'), index: z.int().min(0) }),
});

/** Null where there is no such variable, or it names one worker. */
function tensorFlowPlace(text: string | undefined): Place | null {
  if (text === undefined) return null;
  const { cluster, task } = parsed(text);
  const { worker: addresses } = cluster;
  if (task.index >= addresses.length) {
    throw new UserError(
      `TF_CONFIG: got task ${task.index} of ${addresses.length} workers, wanted ${addresses.length - 1} at most`,
    );
  }
  return addresses.length === 1 ? null : { index: task.index, addresses };
}

function parsed(text: string): z.infer<typeof tensorFlowConfig> {
  try {
    return tensorFlowConfig.parse(parseJson(text));
  } catch {
    throw new UserError(
      `TF_CONFIG: got ${text}, wanted {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": N}}`,
    );
  }
}
