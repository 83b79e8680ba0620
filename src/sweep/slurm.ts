// Points of a sweep as tasks of a Slurm array: the batch script, its submission, and the queue.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { writeFileAtomically } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { errorCode } from '../util/file-errors.js';

/** What a cluster wants to know; null leaves it to its defaults. */
export interface SlurmOptions {
  readonly partition: string | null;
  /** As sbatch takes it: 2:00:00. */
  readonly time: string | null;
  readonly mem: string | null;
  /** GPUs of each process: 1, or a100:1. */
  readonly gpus: string | null;
  /** Of each task. */
  readonly nodes: number;
  /** On each of them; all of a task's share every batch. */
  readonly processesPerNode: number;
  readonly account: string | null;
  readonly qos: string | null;
  readonly constraint: string | null;
  /** Tasks at a time. */
  readonly maxRunning: number | null;
  /** How long processes of a task wait for one that is lost. */
  readonly workerTimeoutSeconds: number;
  /** How long before the limit a task is told to save and queue again. */
  readonly signalSeconds: number;
}

interface ArrayRequest {
  readonly name: string;
  /** How many; the first is number 1. */
  readonly tasks: number;
  readonly threads: number;
  /** Words; `--task N` follows. */
  readonly command: readonly string[];
  readonly workingFolder: string;
  readonly logFolder: string;
  readonly options: SlurmOptions;
}

/** Exit code of a run that SIGUSR1 made save and leave. */
const SAVED_BEFORE_LIMIT = 138;

/** The script of an array. */
export function sbatchScript(request: ArrayRequest): string {
  const { name, tasks, threads, command, workingFolder, logFolder, options } = request;
  const processes = options.nodes * options.processesPerNode;
  const isShared = processes > 1;
  // A process that is lost ends the others by itself, those that save go on to the end. srun takes the job's cores of a
  // task only where it is told so.
  const started = isShared
    ? [
        'srun',
        '--kill-on-bad-exit=0',
        `--cpus-per-task=${threads}`,
        ...command,
        `--slurm.worker-timeout=${options.workerTimeoutSeconds}`,
      ]
    : command;
  const limit = options.maxRunning === null ? '' : `%${options.maxRunning}`;
  const chosen = (['partition', 'time', 'mem', 'account', 'qos', 'constraint'] as const).flatMap(
    (key) => (options[key] === null ? [] : [`--${key}=${options[key]}`]),
  );
  const directives = [
    `--job-name=${name}`,
    `--array=1-${tasks}${limit}`,
    `--cpus-per-task=${threads}`,
    ...chosen,
    ...(options.gpus === null ? [] : [`--gpus-per-task=${options.gpus}`]),
    ...(options.gpus === null && !isShared ? [] : [`--ntasks=${processes}`]),
    ...(isShared
      ? [`--nodes=${options.nodes}`, `--ntasks-per-node=${options.processesPerNode}`]
      : []),
    `--chdir=${quoteDirective(workingFolder)}`,
    `--output=${quoteDirective(`${logFolder.replaceAll('%', '%%')}/%A_%a.log`)}`,
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${options.signalSeconds}`,
  ];
  return `#!/bin/bash
${directives.map((directive) => `#SBATCH ${directive}`).join('\n')}
#
# One point of the sweep a task. The same task goes on where it was after a limit, a preemption or a requeue.

${started.map(quote).join(' ')} --task "$SLURM_ARRAY_TASK_ID" &
run=$!

# Signals go on to the run, which finishes its step and saves. Each of them ends a wait, the run goes on.
trap 'kill -USR1 $run 2>/dev/null' USR1
trap 'kill -TERM $run 2>/dev/null' TERM
while kill -0 $run 2>/dev/null; do wait $run; done
wait $run
code=$?

# Saved before the limit: once more from the queue. After SIGTERM Slurm itself decides: cancelled, preempted or requeued.
if [ $code -eq ${SAVED_BEFORE_LIMIT} ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit $code
`;
}

/** One word for bash, whatever is in it. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const quoteDirective = (word: string): string => (/\s/.test(word) ? `"${word}"` : word);

/**
 * How many tasks an array may have here, numbered from 1.
 *
 * @throws UserError where there is no Slurm, or it does not tell.
 */
export async function tasksInArray(): Promise<number> {
  const settings = await slurm('scontrol', ['show', 'config']);
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(settings)?.[1]);
  // Numbers are below it.
  if (size >= 2) return size - 1;
  throw new UserError(
    'scontrol show config: MaxArraySize is below 2, wanted a Slurm with job arrays; start the sweep with --launcher local',
  );
}

/**
 * Writes the script at `path` and hands it to Slurm.
 *
 * @param after an array that is to end first, null for none.
 * @returns the id of the array.
 * @throws UserError where there is no Slurm, or it refuses.
 */
export async function submit(script: string, path: string, after: string | null): Promise<string> {
  await writeFileAtomically(path, script);
  const order = after === null ? [] : [`--dependency=afterany:${after}`];
  const answer = await slurm('sbatch', ['--parsable', ...order, path]);
  return answer.trim().split(';')[0] ?? '';
}

/** A task that waits or runs. */
export interface QueuedTask {
  /** Such as PENDING or RUNNING. */
  readonly state: string;
  /** Why it waits. */
  readonly reason: string;
}

/** The tasks of `array` that are in the queue, by number; none where Slurm has forgotten it. */
export async function queuedTasks(array: string): Promise<ReadonlyMap<number, QueuedTask>> {
  const lines = (await queueOf(array)).split('\n').filter((text) => text.trim() !== '');
  return new Map(
    lines.map((line) => {
      const [number, state = '', reason = ''] = line.trim().split('|');
      return [Number(number), { state, reason }];
    }),
  );
}

async function queueOf(array: string): Promise<string> {
  try {
    return await slurm('squeue', ['--noheader', '--array', `--jobs=${array}`, '--format=%K|%T|%r']);
  } catch (error) {
    if (error instanceof UserError && /invalid job id/i.test(error.message)) return '';
    throw error;
  }
}

async function slurm(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args);
    return stdout;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      throw new UserError(
        `${program}: not found, wanted Slurm's commands on the PATH; start the sweep where they are, or with --launcher local`,
      );
    }
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').join('; ');
    throw new UserError(`${program}: ${said ?? String(error)}; see the options --slurm.*`);
  }
}
