// probes.csv: what is written, and what a run that goes on keeps of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  ProbeTable,
  readEveryProbe,
  readProbes,
  restoreProbes,
} from '../../src/experiment/probes.js';
import { required, UserError } from '../../src/util/errors.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';

const probed = { probes: { every: 2, samples: 'all' } } as const;

async function written(): Promise<string> {
  const path = join(temporaryFolder(), 'probes.csv');
  const table = new ProbeTable(path);
  for (const step of [1, 3, 5]) {
    const position = { epoch: 1, step, learningRate: 0.1, fullLoss: 2 / 3 };
    table.add(position, { gradient_norm: step, noise_share: 0.25 });
  }
  await table.write();
  return path;
}

const restored = async (path: string, steps: number) =>
  required((await restoreProbes(path, probed, steps)) ?? undefined, 'a table');

test('a row has seven digits, and nothing where a step has nothing', async () => {
  const [head, first] = readFileSync(await written(), 'utf8').split('\n');
  expect(head).toMatch(/^epoch,step,learning_rate,full_loss,gradient_norm,full_gradient_norm,/);
  expect(first).toBe('1,1,0.1000000,0.6666667,1.000000,,,,0.2500000,,,,,,,');
});

test('a run that goes on drops the rows past its checkpoint, and has the same bytes then', async () => {
  const path = await written();
  const whole = readFileSync(path, 'utf8');
  const table = await restored(path, 3);
  await table.write();
  expect((await readProbes(path)).map(({ step }) => step)).toEqual(['1', '3']);
  const position = { epoch: 1, step: 5, learningRate: 0.1, fullLoss: 2 / 3 };
  table.add(position, { gradient_norm: 5, noise_share: 0.25 });
  await table.write();
  expect(readFileSync(path, 'utf8')).toBe(whole);
});

test('it begins anew where it is gone', async () => {
  const path = join(temporaryFolder(), 'probes.csv');
  await (await restored(path, 7)).write();
  expect(await readProbes(path)).toEqual([]);
  expect(await restoreProbes(path, { probes: { every: null, samples: 'all' } }, 7)).toBeNull();
});

test('a mean over a run is over every probe that was due, from its first step to its last', async () => {
  const path = await written();
  const at = (every: number | null, steps: number) =>
    readEveryProbe(path, { probes: { every, samples: 'all' } }, steps);
  for (const steps of [5, 6]) expect(await at(2, steps)).toHaveLength(3);
  const told = async (every: number | null, steps: number) => messageOf(at(every, steps));
  expect(await told(2, 7)).toContain(
    `${path}:5: got no row, wanted that of step 7: a row every 2 steps of 7, as probes.every says; leave the run out`,
  );
  expect(await told(2, 4)).toContain(`${path}:4: got step 5, wanted none: `);
  expect(await told(1, 5)).toContain(`${path}:3: got step 3, wanted that of step 2: `);
  expect(await told(null, 5)).toContain(
    `${path}: got 3 rows, wanted none, as the run began without probes.every; `,
  );
  await new ProbeTable(path).write();
  expect(await told(4, 5)).toContain(`${path}:2: got no row, wanted that of step 1: `);
});

test.each([
  ['step,epoch\n1,1\n', ':1: got "step,epoch", wanted the columns epoch,step,'],
  ['1,x', ':5: got "1,x", wanted 16 numbers'],
  ['1,7,0.1,,1,,,,,,,,,,,', ':5: got "1,7,0.1,,1,,,,,,,,,,,", wanted 16 numbers'],
])('%j is refused', async (text, message) => {
  const path = await written();
  writeFileSync(path, text.startsWith('step') ? text : `${readFileSync(path, 'utf8')}${text}\n`);
  await expect(readProbes(path)).rejects.toThrow(UserError);
  expect(await messageOf(readProbes(path))).toContain(`${path}${message}`);
});
