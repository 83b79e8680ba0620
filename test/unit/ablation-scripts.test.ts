// The scripts of the paper's ablations: which commands they give, told by a stand-in for fsam.
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsam-scripts-')));
const record = join(folder, 'record');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

cpSync('scripts', join(folder, 'scripts'), { recursive: true });
mkdirSync(join(folder, 'bin'));
const program = join(folder, 'bin/fsam');
writeFileSync(program, `#!/bin/sh\necho "$*" >>'${record}'\n`);
chmodSync(program, 0o755);
beforeEach(() => {
  writeFileSync(record, '');
});

function commandsOf(script: string, ...options: string[]): string[] {
  execFileSync(join(folder, 'scripts', script), ['data', ...options], { stdio: 'pipe' });
  return readFileSync(record, 'utf8').trimEnd().split('\n');
}

test.each([
  ['reproduce-tables.sh', ['table-cifar10', 'table-cifar100']],
  ['rho-sweep.sh', ['rho-cifar100']],
  ['label-noise.sh', ['label-noise-cifar10']],
])('%s reports each sweep after it', (script, names) => {
  expect(commandsOf(script, '--jobs', '2')).toEqual(
    names.flatMap((name) => [
      `sweep --config ${name} --data-dir data --jobs 2`,
      `report results/${name}`,
    ]),
  );
});

test.each([
  '--launcher slurm --slurm.partition gpu',
  '--launcher=slurm',
  '--dry-run',
  '--jobs 2 --status',
])('%s finishes nothing that could be reported, and the next sweep follows', (options) => {
  expect(commandsOf('reproduce-tables.sh', ...options.split(' '))).toEqual(
    ['table-cifar10', 'table-cifar100'].map(
      (name) => `sweep --config ${name} --data-dir data ${options}`,
    ),
  );
});
