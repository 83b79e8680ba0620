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
  /** GPUs of each task: 1, or a100:1. */
  readonly gpus: string | null;
  readonly account: string | null;
  readonly qos: string | null;
  readonly constraint: string | null;
  /** Tasks at a time. */
  readonly maxRunning: number | null;
  /** How long before the limit a task is told to save and queue again. */
  readonly signalSeconds: number;
}

interface ArrayRequest {
  readonly name: string;
  /** Array ids. */
  readonly points: readonly number[];
  readonly threads: number;
  /** Words; `--point N` follows. */
  readonly command: readonly string[];
  readonly workingFolder: string;
  readonly logFolder: string;
  readonly options: SlurmOptions;
}

/** Exit code of a run that SIGUSR1 made save and leave. */
const SAVED_BEFORE_LIMIT = 138;

/** The script of an array, one task a point. */
export function sbatchScript(request: ArrayRequest): string {
  const { name, points, threads, command, workingFolder, logFolder, options } = request;
  const limit = options.maxRunning === null ? '' : `%${options.maxRunning}`;
  const chosen = (['partition', 'time', 'mem', 'account', 'qos', 'constraint'] as const).flatMap(
    (key) => (options[key] === null ? [] : [`--${key}=${options[key]}`]),
  );
  const directives = [
    `--job-name=${name}`,
    `--array=${compress(points)}${limit}`,
    `--cpus-per-task=${threads}`,
    ...chosen,
    ...(options.gpus === null ? [] : [`--gpus-per-task=${options.gpus}`, '--ntasks=1']),
    `--chdir=${quoteDirective(workingFolder)}`,
    `--output=${quoteDirective(`${logFolder}/%A_%a.log`)}`,
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${options.signalSeconds}`,
  ];
  return `#!/bin/bash
${directives.map((directive) => `#SBATCH ${directive}`).join('\n')}
#
# One point of the sweep a task. The same task goes on where it was after a limit, a preemption or a requeue.

${command.map(quote).join(' ')} --point "$SLURM_ARRAY_TASK_ID" &
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

/** `1,3-7`: ascending numbers with their runs shortened. */
export function compress(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}

/** One word for bash, whatever is in it. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

const quoteDirective = (word: string): string => (/\s/.test(word) ? `"${word}"` : word);

/**
 * Writes the script at `path` and hands it to Slurm.
 *
 * @returns the id of the array.
 * @throws UserError where there is no Slurm, or it refuses.
 */
export async function submit(script: string, path: string): Promise<string> {
  await writeFileAtomically(path, script);
  const answer = await slurm('sbatch', ['--parsable', path]);
  return answer.trim().split(';')[0] ?? '';
}

/** A task that waits or runs. */
export interface QueuedTask {
  readonly array: string;
  /** Such as PENDING or RUNNING. */
  readonly state: string;
  /** Why it waits. */
  readonly reason: string;
}

/** The tasks of `arrays` that are in the queue, by array id; none of those that Slurm has forgotten. */
export async function queuedTasks(
  arrays: readonly string[],
): Promise<ReadonlyMap<number, QueuedTask>> {
  const tasks = new Map<number, QueuedTask>();
  for (const array of arrays) {
    const lines = await queueOf(array);
    for (const line of lines.split('\n').filter((text) => text.trim() !== '')) {
      const [index, state = '', reason = ''] = line.trim().split('|');
      tasks.set(Number(index), { array, state, reason });
    }
  }
  return tasks;
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
