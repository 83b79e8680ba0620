// The options of fsam sweep that go on to Slurm.
import { Option, type Command } from 'commander';
import type { SlurmOptions } from '../sweep/slurm.js';
import { WORKER_TIMEOUT_SECONDS } from '../util/workers-place.js';

/** As commander names them. */
export interface SlurmFlags {
  readonly 'slurm.partition'?: string;
  readonly 'slurm.time'?: string;
  readonly 'slurm.mem'?: string;
  readonly 'slurm.gpus'?: string;
  readonly 'slurm.nodes': number;
  readonly 'slurm.processesPerNode': number;
  readonly 'slurm.workerTimeout': number;
  readonly 'slurm.account'?: string;
  readonly 'slurm.qos'?: string;
  readonly 'slurm.constraint'?: string;
  readonly 'slurm.signalSeconds': number;
}

export function addSlurmOptions(command: Command, whole: (text: string) => number): void {
  command
    .option('--slurm.partition <name>', 'partition of the tasks')
    .option('--slurm.time <limit>', 'time limit of a task; it saves before, and queues again')
    .option('--slurm.mem <size>', 'memory of each node of a task')
    .option('--slurm.gpus <gpus>', 'GPUs of a process: 1, or a100:1')
    .option('--slurm.nodes <n>', 'nodes of a task', whole, 1)
    .option(
      '--slurm.processes-per-node <n>',
      'processes of a task on each of its nodes, which share every batch',
      whole,
      1,
    )
    .option(
      '--slurm.worker-timeout <s>',
      'seconds after which a process that is lost ends all of its task',
      whole,
      WORKER_TIMEOUT_SECONDS,
    )
    .option('--slurm.account <name>', 'account')
    .option('--slurm.qos <name>', 'quality of service')
    .option('--slurm.constraint <features>', 'features of a node')
    .addOption(
      new Option('--slurm.signal-seconds <n>', 'how long before the limit a task is told to save')
        .argParser(whole)
        .default(120),
    );
}

/** What was not given is left to the cluster. */
export function slurmOptions(flags: SlurmFlags, maxRunning: number | null): SlurmOptions {
  return {
    partition: flags['slurm.partition'] ?? null,
    time: flags['slurm.time'] ?? null,
    mem: flags['slurm.mem'] ?? null,
    gpus: flags['slurm.gpus'] ?? null,
    nodes: flags['slurm.nodes'],
    processesPerNode: flags['slurm.processesPerNode'],
    workerTimeoutSeconds: flags['slurm.workerTimeout'],
    account: flags['slurm.account'] ?? null,
    qos: flags['slurm.qos'] ?? null,
    constraint: flags['slurm.constraint'] ?? null,
    maxRunning,
    signalSeconds: flags['slurm.signalSeconds'],
  };
}
