// The real engine, interrupted in mid-epoch and resumed.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configFrom } from '../support/configs.js';
import { temporaryFolder } from '../support/folders.js';
import { resultOf } from '../unit/experiment-support.js';
import { sitting } from './support/sitting.js';

/** 112 images in batches of 32: three full ones and one of 16. */
const config = configFrom('smoke');

it('a run of the real engine, stopped in mid-epoch and resumed, gives the bytes of the straight one', async () => {
  const [straight, stopped] = [
    join(temporaryFolder(), 'straight'),
    join(temporaryFolder(), 'stopped'),
  ];
  expect(await sitting(config, straight, Infinity)).toBe('finished');
  expect(await sitting(config, stopped, 2)).toBe('interrupted');
  expect(await sitting(config, stopped, 3)).toBe('interrupted');
  expect(await sitting(config, stopped, Infinity)).toBe('finished');
  expect(await resultOf(stopped)).toEqual(await resultOf(straight));
});
