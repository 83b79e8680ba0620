// What all benchmarks begin with: the configuration, the machine, and options that do not go together.
import os from 'node:os';
import type { Config } from '../catalogue/schema.js';
import { loadConfig } from '../config/load.js';
import { UserError } from '../util/errors.js';
import { refuseOthersFile } from '../util/output-file.js';
import type { BenchOptions } from './bench-options.js';
import { configRequest } from './config-options.js';

/** The configuration with `--batch`. Errors: UserError, also where --json names another program's file. */
export async function benchConfig({ batch, json, ...options }: BenchOptions): Promise<Config> {
  if (json !== undefined) await refuseOthersFile('--json', json, ['hardware', 'rows']);
  const request = configRequest(options);
  const assignments =
    batch === undefined ? request.assignments : [...request.assignments, `batchSize=${batch}`];
  return loadConfig({ ...request, assignments });
}

/** What the figures hold for; with a note where something else keeps the machine busy. */
export function hardware(): string {
  const cores = os.availableParallelism();
  const memory = (os.totalmem() / 1e9).toFixed(0);
  const model = os.cpus()[0]?.model ?? os.arch();
  const [load = 0] = os.loadavg();
  const busy = `\nnote: the load average is ${load.toFixed(1)}; other programs are slowing this one, unevenly`;
  return `${model}, ${cores} cores, ${memory} GB, Node ${process.versions.node}${load > cores / 4 ? busy : ''}`;
}

/**
 * @param typed the options of bench that were given
 * @param others of them those that mean nothing beside `flag`, as they are typed
 * @throws UserError that names the first that was given.
 */
export function refuseBeside(
  typed: ReadonlyMap<string, unknown>,
  flag: string,
  others: Readonly<Record<string, string>>,
  why: string,
): void {
  const [other] = Object.entries(others).filter(([name]) => typed.has(name));
  if (other === undefined) return;
  throw new UserError(`${other[1]}: got it beside ${flag}, wanted one of the two: ${why}`);
}
