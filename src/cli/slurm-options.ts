// The options of fsam sweep that go on to Slurm.
import { Option, type Command } from 'commander';
import type { SlurmOptions } from '../sweep/slurm.js';

/** As commander names them. */
export interface SlurmFlags {
  readonly 'slurm.partition'?: string;
  readonly 'slurm.time'?: string;
  readonly 'slurm.mem'?: string;
  readonly 'slurm.gpus'?: string;
  readonly 'slurm.account'?: string;
  readonly 'slurm.qos'?: string;
  readonly 'slurm.constraint'?: string;
  readonly 'slurm.signalSeconds': number;
}

export function addSlurmOptions(command: Command, seconds: (text: string) => number): void {
  command
    .option('--slurm.partition <name>', 'partition of the tasks')
    .option('--slurm.time <limit>', 'time limit of a task; it saves before, and queues again')
    .option('--slurm.mem <size>', 'memory of a task')
    .option('--slurm.gpus <gpus>', 'GPUs of a task: 1, or a100:1')
    .option('--slurm.account <name>', 'account')
    .option('--slurm.qos <name>', 'quality of service')
    .option('--slurm.constraint <features>', 'features of a node')
    .addOption(
      new Option('--slurm.signal-seconds <n>', 'how long before the limit a task is told to save')
        .argParser(seconds)
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
    account: flags['slurm.account'] ?? null,
    qos: flags['slurm.qos'] ?? null,
    constraint: flags['slurm.constraint'] ?? null,
    maxRunning,
    signalSeconds: flags['slurm.signalSeconds'],
  };
}
