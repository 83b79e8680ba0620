// Who holds a lock, as its file tells, and whether that process is still alive.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { errorCode } from './file-errors.js';

const holderSchema = z.object({
  pid: z.int().min(1),
  host: z.string(),
  /** When the process started, as /proc tells it: tells it from a later one with its number. */
  startTime: z.string().nullable(),
  /**
   * Of the kernel since it started: machines and containers may share a host name. Missing in files
   * of a version that gave no signs of life; null without /proc.
   */
  bootId: z.string().nullable().optional(),
  /** Within which the number is the process's: containers have one each. */
  pidNamespace: z.string().nullable().default(null),
  /** Whether it also holds the operating system's lock on the file, which ends with it. */
  osLock: z.boolean().default(false),
  /** The job, or the task of an array, and how often Slurm has started it again. */
  slurm: z.object({ job: z.string(), restarts: z.int() }).nullable().default(null),
});
export type Holder = z.infer<typeof holderSchema>;

/** A holder shows that it lives by touching its file. Far more rarely than that it counts as dead. */
export const BEAT_MILLISECONDS = 30_000;
export const SILENT_MILLISECONDS = 5 * 60_000;

/** Null where `content` is not what a holder writes. */
export function parseHolder(content: string): Holder | null {
  try {
    return holderSchema.parse(JSON.parse(content));
  } catch {
    return null;
  }
}

export function thisProcess(osLock: boolean): Holder {
  return {
    pid: process.pid,
    host: hostname(),
    startTime: startTimeOf(process.pid),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    osLock,
    slurm: slurmTask(),
  };
}

/**
 * How to find out whether a holder lives: by its process number; by the operating system's lock,
 * where the number means nothing here; or by the signs of life it gives, from another kernel.
 */
export function questionFor(holder: Holder): 'process' | 'os-lock' | 'signs' {
  const { bootId: theirs, host, osLock } = holder;
  const ours = bootId();
  const sameKernel =
    typeof theirs === 'string' && ours !== null ? theirs === ours : host === hostname();
  if (!sameKernel) return 'signs';
  if (theirs === undefined || holder.pidNamespace === pidNamespace()) return 'process';
  return osLock ? 'os-lock' : 'signs';
}

/** Whether Slurm itself started the holder's task again, as this process: the former one is dead. */
export function isRequeued({ slurm }: Holder): boolean {
  const own = slurmTask();
  return slurm !== null && own?.job === slurm.job && own.restarts > slurm.restarts;
}

/** Of a holder whose process number means something here. */
export function isProcessDead({ pid, startTime }: Holder): boolean {
  const found = startTimeOf(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return true;
    // Another user's, which /proc may hide.
    if (found === null) return false;
  }
  return startTime !== found;
}

/**
 * Field 22 of /proc/PID/stat, in clock ticks since the machine started; null without /proc, and of
 * a dead process.
 */
function startTimeOf(pid: number): string | null {
  const stat = lineOf(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field, the program's name in parentheses, may hold spaces and parentheses of its
  // own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Killed, and only waiting for its parent to notice: it writes nothing any more.
  if (fields[0] === 'Z') return null;
  return fields[22 - 3] ?? null;
}

const bootId = (): string | null => lineOf('/proc/sys/kernel/random/boot_id');

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

/** Null outside Slurm. A task of an array keeps its number when it is queued again. */
function slurmTask(): Holder['slurm'] {
  const {
    SLURM_CLUSTER_NAME: cluster = '',
    SLURM_JOB_ID: job,
    SLURM_ARRAY_JOB_ID: array,
    SLURM_ARRAY_TASK_ID: task,
    SLURM_RESTART_COUNT: restarts = '0',
  } = process.env;
  if (job === undefined || !/^\d+$/.test(restarts)) return null;
  const name = array === undefined || task === undefined ? job : `${array}_${task}`;
  return { job: `${cluster}/${name}`, restarts: Number(restarts) };
}

function lineOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
