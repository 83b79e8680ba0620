// How far a point is, as its folder tells.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Config } from '../../src/catalogue/schema.js';
import { clearFailure, stateOf, writeFailure } from '../../src/sweep/state.js';
import { acquireLock } from '../../src/util/lock.js';
import { configFrom } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';
import { writeRun } from './report-support.js';

const root = temporaryFolder();
let folders = 0;
const fresh = (): string => join(root, `point-${++folders}`);

const configOf = (folder: string): Config => configFrom(join(folder, 'config.yaml'));
const state = (folder: string, config: Config) =>
  stateOf({ number: 1, name: 'x/seed-1', values: {}, choices: {}, config }, folder);
const wanted = configOf(writeRun(fresh()));

test('nothing there, done, and on the way', async () => {
  expect(await state(fresh(), wanted)).toEqual({ kind: 'new' });
  expect(await state(writeRun(fresh()), wanted)).toEqual({ kind: 'done' });
  const going = writeRun(fresh(), { finished: false });
  expect(await state(going, wanted)).toEqual({ kind: 'unfinished', epochs: 3 });
  const lock = await acquireLock(join(going, '.fsam-lock'));
  expect(await state(going, wanted)).toEqual({ kind: 'running', epochs: 3 });
  await lock.release();
});

test('a failure is kept with its reason until it is mended', async () => {
  const folder = writeRun(fresh(), { finished: false });
  await writeFailure(folder, 'the training loss is NaN', 1);
  const failed = { kind: 'failed', reason: 'the training loss is NaN', epochs: 3 };
  expect(await state(folder, wanted)).toEqual(failed);
  await clearFailure(folder);
  expect(await state(folder, wanted)).toEqual({ kind: 'unfinished', epochs: 3 });
});

test('what must not be touched is this point alone', async () => {
  const other = await state(writeRun(fresh(), { optimizer: { name: 'sam' } }), wanted);
  expect(other).toEqual({
    kind: 'invalid',
    reason: expect.stringMatching(
      /holds a run of another configuration \(optimizer\.name: sam -> sgd\); start anew/,
    ) as string,
  });
  const damaged = writeRun(fresh());
  writeFileSync(join(damaged, 'config.yaml'), 'name: [');
  expect(await state(damaged, wanted)).toMatchObject({ kind: 'invalid' });
  const wrong = {
    number: 1,
    name: 'x',
    values: {},
    choices: {},
    config: { mistakes: 'rho: got -1' },
  };
  expect(await stateOf(wrong, fresh())).toEqual({ kind: 'invalid', reason: 'rho: got -1' });
});
