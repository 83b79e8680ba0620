// Whether a checkpoint is of a run: by what its keys mean, whatever version wrote it.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { CheckpointRecord } from '../../src/experiment/checkpoint.js';
import { belongsTo, recordOfRun } from '../../src/experiment/belonging.js';
import { configOf, runFolder, type RunFolder } from '../../src/experiment/folder.js';
import { BEGINNING } from '../../src/experiment/progress.js';
import { temporaryFolder } from '../support/folders.js';

const OLDER = fileURLToPath(new URL('../fixtures/older-config.yaml', import.meta.url));
/** What version 0.1 recorded in the checkpoints of that configuration. */
const OLDER_HASH = 'efc8203f523a68f3fff0e1de2db47b65434752604ce00b07ca583e85b970896e';

function olderFolder(): RunFolder {
  const path = temporaryFolder();
  copyFileSync(OLDER, join(path, 'config.yaml'));
  return runFolder(path);
}

const rest = { trainImages: 112, progress: BEGINNING };

test('a checkpoint of an earlier version belongs to the run whose hash it has', () => {
  const folder = olderFolder();
  const config = configOf(folder);
  const record = (configHash: string): CheckpointRecord => ({ ...rest, seed: 1, configHash });
  expect(belongsTo(record(OLDER_HASH), config, folder)).toBe(true);
  expect(belongsTo(record(OLDER_HASH.replace('e', 'f')), config, folder)).toBe(false);
  expect(belongsTo({ ...record(OLDER_HASH), seed: 2 }, config, folder)).toBe(false);
  expect(belongsTo({ ...rest, seed: 1 }, config, folder)).toBe(false);
});

test('a key that the version of a run did not have is as it was then', () => {
  const folder = olderFolder();
  const text = readFileSync(folder.config, 'utf8');
  expect(configOf(folder).model.convolution).toBe('auto');
  writeFileSync(folder.config, text.replace(/^ *convolution: auto\n/m, ''));
  expect(configOf(folder).model.convolution).toBe('direct');
});

test('a checkpoint of this version belongs by meaning, and lacks keys that came later', () => {
  const folder = olderFolder();
  const config = configOf(folder);
  const record: CheckpointRecord = { ...rest, ...recordOfRun(config) };
  expect(belongsTo(record, config, folder)).toBe(true);
  const free = { ...config, evaluationBatchSize: 8, name: 'other' };
  expect(belongsTo(record, free, folder)).toBe(true);
  const { weightAverage, ...earlier } = record.identity ?? {};
  expect(weightAverage).toBeNull();
  expect(belongsTo({ ...record, identity: earlier }, config, folder)).toBe(true);
  expect(
    belongsTo({ ...record, identity: earlier }, { ...config, weightAverage: 0.9 }, folder),
  ).toBe(false);
  expect(belongsTo(record, { ...config, epochs: 3 }, folder)).toBe(false);
});

test('a key that came later is compared by what its default means', () => {
  const folder = olderFolder();
  const { model, ...rest } = configOf(folder);
  const wide = (stageBlocks: 'code' | 'paper' | null) => ({
    ...rest,
    model: { ...model, name: 'wrn-10-2', stageBlocks },
  });
  const { seed, identity = {} } = recordOfRun(wide(null));
  const { 'model.stageBlocks': meant, ...earlier } = identity;
  expect(meant).toBe('code');
  const record: CheckpointRecord = {
    trainImages: 112,
    progress: BEGINNING,
    seed,
    identity: earlier,
  };
  expect(belongsTo(record, wide(null), folder)).toBe(true);
  expect(belongsTo(record, wide('code'), folder)).toBe(true);
  expect(belongsTo(record, wide('paper'), folder)).toBe(false);
});
