// The scripts of the paper's ablations: which commands they give, told by a stand-in for fsam.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.js';
import { writeProgram } from '../support/programs.js';

const folder = temporaryFolder();
const record = join(folder, 'record');

cpSync('scripts', join(folder, 'scripts'), { recursive: true });
writeProgram(join(folder, 'bin/fsam'), `echo "$*" >>'${record}'`);
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

test.each(['reproduce-tables.sh', 'rho-sweep.sh', 'label-noise.sh'])(
  '%s without the folder of the data is a mistake of the user, told in a line',
  (script) => {
    for (const options of [[], [''], ['--jobs', '2']]) {
      const path = join(folder, 'scripts', script);
      const { status, stderr } = spawnSync(path, options, { encoding: 'utf8' });
      const got = options[0] === '--jobs' ? '--jobs' : 'nothing';
      expect(stderr).toMatch(
        new RegExp(`^${script}: got ${got}, wanted first the folder of .* data fetch .*\n$`),
      );
      expect(status).toBe(2);
    }
    expect(readFileSync(record, 'utf8')).toBe('');
  },
);
