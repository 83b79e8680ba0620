// The real engine, interrupted in mid-epoch and resumed.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import { runExperiment, type Interruption } from '../../src/experiment/run.js';
import { createEngine } from '../../src/train/engine.js';
import { resultOf, scratchFolder } from '../unit/experiment-support.js';

/** 112 images in batches of 32: three full ones and one of 16. */
const config = loadConfig({ config: 'smoke', assignments: [], overrides: {} });

/** Runs until `stopAfter` steps are done in this sitting, as if a signal came then. */
async function sitting(folder: string, stopAfter: number) {
  const interruption: Interruption = { signal: null };
  let done = 0;
  const nothing = () => undefined;
  const step = () => {
    if (++done === stopAfter) interruption.signal = 'SIGTERM';
  };
  const reporter = { start: nothing, step, epoch: nothing, note: nothing, end: nothing };
  const flags = { resume: true, overwrite: false, environment: { device: 'CPU' } };
  return runExperiment({ config, folder, ...flags, createEngine, reporter, interruption });
}

it('a run of the real engine, stopped in mid-epoch and resumed, gives the bytes of the straight one', async () => {
  const [straight, stopped] = [join(scratchFolder(), 'straight'), join(scratchFolder(), 'stopped')];
  expect(await sitting(straight, Infinity)).toBe('finished');
  expect(await sitting(stopped, 2)).toBe('interrupted');
  expect(await sitting(stopped, 3)).toBe('interrupted');
  expect(await sitting(stopped, Infinity)).toBe('finished');
  expect(await resultOf(stopped)).toEqual(await resultOf(straight));
});
