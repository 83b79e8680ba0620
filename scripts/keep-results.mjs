// Copies finished runs to a folder that is kept with the project: without checkpoints, and without host and paths of the
// machine in their environment.json and config.yaml.
//
//   node scripts/keep-results.mjs results/running results/evidence
//
// The other way round, `cp -a results/evidence results/running` lets the same sweeps go on there.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error('wanted two folders: FROM TO');

const FILES = ['metrics.csv', 'timing.csv', 'summary.json', 'probes.csv'];
/** What only this machine has. */
const OF_MACHINE = ['host', 'workingFolder', 'data', 'tensorflowLibrary'];
const root = `${resolve('.')}/`;

for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
  if (entry.name !== 'summary.json') continue;
  const run = entry.parentPath;
  const copy = join(to, relative(from, run));
  mkdirSync(copy, { recursive: true });
  for (const name of FILES.filter((file) => existsSync(join(run, file)))) {
    cpSync(join(run, name), join(copy, name));
  }
  const config = readFileSync(join(run, 'config.yaml'), 'utf8');
  // Its first line says where the schema lies here.
  writeFileSync(join(copy, 'config.yaml'), config.replace(/^# yaml-language-server.*\n/, ''));
  writeFileSync(join(copy, 'environment.json'), withoutMachine(join(run, 'environment.json')));
  process.stdout.write(`${relative(dirname(to), copy)}\n`);
}

/** @param {string} path */
function withoutMachine(path) {
  /** @type {(value: unknown) => unknown} */
  const cleaned = (value) => {
    if (typeof value === 'string') return value.replace(root, '');
    if (Array.isArray(value)) return value.map(cleaned);
    if (typeof value !== 'object' || value === null) return value;
    const kept = Object.entries(value).filter(([key]) => !OF_MACHINE.includes(key));
    return Object.fromEntries(kept.map(([key, one]) => [key, cleaned(one)]));
  };
  return `${JSON.stringify(cleaned(JSON.parse(readFileSync(path, 'utf8'))), null, 2)}\n`;
}
