// Makes finished runs below a folder fit to be kept with the project: takes host and paths of the machine out of their
// environment.json.
//
//   node scripts/keep-results.mjs results/evidence
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error('wanted a folder');

/** What only this machine has. */
const OF_MACHINE = ['host', 'workingFolder', 'data', 'tensorflowLibrary'];
const here = resolve('.');

for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  if (entry.name !== 'environment.json') continue;
  const path = join(entry.parentPath, entry.name);
  /** @type {Record<string, unknown> & { command: string[] }} */
  const environment = JSON.parse(readFileSync(path, 'utf8'));
  const kept = Object.fromEntries(
    Object.entries(environment).filter(([key]) => !OF_MACHINE.includes(key)),
  );
  const command = environment.command.map((word) =>
    word.startsWith(`${here}/`) ? relative(here, word) : word,
  );
  writeFileSync(path, `${JSON.stringify({ ...kept, command }, null, 2)}\n`);
}
