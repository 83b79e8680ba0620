// A configuration as text: the file of a run folder, the hash that identifies it, and how two of
// them differ.
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { Document, isSeq, visit } from 'yaml';
import { CONFIGS_FOLDER } from './files.js';
import type { Config } from './schema.js';

/**
 * The complete configuration as YAML that `loadConfig` reads back to the same. Its first line tells
 * editors where the schema is, seen from `folder`, the folder that the text will be stored in.
 */
export function formatConfig(config: Config, folder: string = CONFIGS_FOLDER): string {
  const document = new Document(config);
  visit(document, (_, node) => {
    if (isSeq(node)) node.flow = true;
  });
  const schema = relative(folder, join(CONFIGS_FOLDER, 'schema.json'));
  const reference = schema.startsWith('.') ? schema : `./${schema}`;
  return `# yaml-language-server: $schema=${reference}\n${document.toString({ lineWidth: 0 })}`;
}

/** Keys that change no number of a run: where its data lies, what is written beside, and how often. */
const WITHOUT_EFFECT = new Set(['data.directory', 'checkpoint.everyEpochs', 'logging.tensorboard']);

/** sha256, in hexadecimal, of every key that has a say in a run's numbers. */
export function configHash(config: Config): string {
  const lines = effectiveLeaves(config).map(([key, value]) => `${key}: ${value}`);
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}

/**
 * One line for each key whose value differs and has a say in a run's numbers: `optimizer.rho: 0.1
 * -> 0.2`.
 */
export function configDifferences(from: Config, to: Config): string[] {
  const [before, after] = [new Map(effectiveLeaves(from)), new Map(effectiveLeaves(to))];
  const keys = [...new Set([...before.keys(), ...after.keys()])];
  return keys
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key}: ${before.get(key) ?? 'not set'} -> ${after.get(key) ?? 'not set'}`);
}

/** The values of every key that has a say in a run's numbers, by dotted name, in the schema's order. */
export function effectiveValues(config: Config): ReadonlyMap<string, unknown> {
  return new Map(effectiveLeaves(config).map(([key]) => [key, valueAt(config, key)]));
}

/** The value of a dotted key; undefined where there is none. */
export function valueAt(config: unknown, key: string): unknown {
  return key
    .split('.')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), config);
}

function effectiveLeaves(config: Config): [key: string, value: string][] {
  return leaves(config).filter(([key]) => !WITHOUT_EFFECT.has(key));
}

function leaves(value: unknown, path: readonly string[] = []): [key: string, value: string][] {
  if (!isRecord(value)) {
    return [[path.join('.'), typeof value === 'string' ? value : canonical(value)]];
  }
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}: ${canonical(value[key])}`);
  return `{${entries.join(', ')}}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
