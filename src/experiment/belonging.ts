// Whether a checkpoint is of the run that a configuration describes: by what its keys mean, so that
// checkpoints of earlier versions, which knew fewer keys, stay good.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { keptValues, meaningIfAbsent } from '../catalogue/identity.js';
import type { Config } from '../catalogue/schema.js';
import type { CheckpointRecord } from './checkpoint.js';
import type { RunFolder } from './folder.js';

/** What a checkpoint says of the run that it is of. */
export const recordOfRun = (config: Config): Pick<CheckpointRecord, 'identity' | 'seed'> => ({
  identity: Object.fromEntries(keptValues(config)),
  seed: config.seed,
});

/** @param config that of `folder`'s run, by meaning. */
export function belongsTo(record: CheckpointRecord, config: Config, folder: RunFolder): boolean {
  const { identity, configHash, seed } = record;
  if (seed !== config.seed) return false;
  if (identity === undefined) return configHash === hashOfFile(folder.config);
  return [...keptValues(config)].every(([key, value]) => {
    const recorded = Object.hasOwn(identity, key) ? identity[key] : meaningIfAbsent(key, config);
    return JSON.stringify(recorded) === JSON.stringify(value);
  });
}

/**
 * What earlier versions recorded: the sha256 of every line of config.yaml but those that changed no
 * number. The file is as its version wrote it, so that keys that came later do not matter.
 */
function hashOfFile(path: string): string {
  const ignored = new Set(['data.directory', 'checkpoint.everyEpochs', 'logging.tensorboard']);
  const lines = leaves(parse(readFileSync(path, 'utf8')))
    .filter(([key]) => !ignored.has(key))
    .map(([key, value]) => `${key}: ${value}`);
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

function leaves(value: unknown, path: readonly string[] = []): [key: string, value: string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
  }
  return [[path.join('.'), asText(value)]];
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
