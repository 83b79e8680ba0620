// `fsam analyze convergence` over run folders written by hand: which runs are a point, and which tables are none.
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { ProbeTable } from '../../src/experiment/probes.js';
import { temporaryFolder } from '../support/folders.js';
import { writeRun } from '../unit/report-support.js';
import { fsam } from './support/fsam.js';

let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
});

/** Of twelve steps, each fourth probed. */
async function probed(name: string, seed: number, probes: Readonly<Record<string, unknown>> = {}) {
  const path = join(folder, name);
  writeRun(path, { seed, keys: { probes: { every: 4, ...probes } } });
  await tableOf(path, [1, 5, 9]);
}

async function tableOf(run: string, steps: readonly number[]) {
  const table = new ProbeTable(join(run, 'probes.csv'));
  for (const step of steps) {
    const position = { epoch: step, step, learningRate: 0.1, fullLoss: 1 };
    table.add(position, { gradient_norm: 2, full_gradient_norm: 2 / step });
  }
  await table.write();
}

const converge = (...args: string[]) => fsam(folder, ['analyze', 'convergence', ...args]);
const columnOf = (path: string, wanted: string): string[] => {
  const [head = '', ...rows] = readFileSync(join(folder, path), 'utf8').trimEnd().split('\n');
  const at = head.split(',').indexOf(wanted);
  return rows.map((row) => row.split(',')[at] ?? 'none');
};

it('runs whose full gradients are over other samples are points of their own', async () => {
  await probed('a', 1);
  await probed('b', 2, { samples: 8 });
  await probed('c', 3, { samples: 8 });
  const { code, stdout } = await converge('a', 'b', 'c', '--out', 'out');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^samples-all: .* slope -?[\d.]+ \(n = 1\)/m);
  expect(stdout).toMatch(/^samples8: .* slope -?[\d.]+ \+- 0\.000 \(n = 2\)/m);
  expect(stdout).toMatch(/^samples8: f is over whole batches with at least 8 images: /m);
  expect(stdout).not.toMatch(/^samples-all: f is over/m);
  expect(columnOf('out/convergence.csv', 'samples').sort().join()).toBe('8,8,8,8,8,8,all,all,all');
});

it('the same run again is named, and counts once', async () => {
  await probed('a', 1);
  cpSync(join(folder, 'a'), join(folder, 'b'), { recursive: true });
  const { stdout, stderr } = await converge('a', 'b', '--out', 'out');
  expect(stderr).toContain('b: the same run as a, counted once');
  expect(stdout).toContain('(n = 1)');
});

it.each([
  ['without rows', [], ':2: got no row, wanted that of step 1'],
  ['with a gap', [1, 9], ':3: got step 9, wanted that of step 5'],
  ['that ends early', [1, 5], ':4: got no row, wanted that of step 9'],
])('a table %s is refused by its name', async (_, steps, message) => {
  await probed('a', 1);
  await tableOf(join(folder, 'a'), steps);
  const { code, stderr } = await converge('a', '--out', 'out');
  expect(code).toBe(2);
  expect(stderr).toContain(`a/probes.csv${message}`);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

it('writes into no folder of a run, nor into what another run has', async () => {
  await probed('a', 1);
  await probed('b', 2);
  writeFileSync(join(folder, 'b', 'probes.csv'), readFileSync(join(folder, 'a', 'probes.csv')));
  for (const [paths, out, message] of [
    [['a'], 'a', '--out a: is the folder of a run'],
    [['a'], 'b/analysis', '--out b/analysis: lies in the folder of another run'],
    [['a', 'b'], 'b/analysis', '--out b/analysis: lies in the folder of another run'],
  ] as const) {
    const { code, stderr } = await converge(...paths, '--out', out);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  }
  expect((await converge('a', '--out', 'a/other')).code).toBe(0);
});
