// Messages on runs on text speak of windows and characters, not of images and classes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDataset } from '../../src/data/load.js';
import { refuseOtherClasses } from '../../src/experiment/classes.js';
import { stepsPerEpoch } from '../../src/experiment/steps.js';
import { messageOf } from '../support/errors.js';
import { temporaryFolder } from '../support/folders.js';
import { configOf } from './data-support.js';

test('a batch that dropLast leaves nothing of', () => {
  const config = { batchSize: 9, dropLast: true, data: configOf({ name: 'moby-dick' }) };
  expect(() => stepsPerEpoch(8, config)).toThrow(
    'no batch of 8 training windows; wanted 8 at most',
  );
});

test('other characters than the run had', async () => {
  const folder = temporaryFolder();
  const [text, classes] = [join(folder, 'text.txt'), join(folder, 'classes.txt')];
  writeFileSync(text, 'abcd'.repeat(20));
  const keys = { name: 'text', directory: text, context: 2 };
  const dataset = await loadDataset(configOf(keys), 1);
  writeFileSync(classes, '"a"\n"b"\n');
  expect(await messageOf(refuseOtherClasses(classes, dataset))).toBe(
    `${text}: has 4 characters, wanted the 2 of ${classes}; bring the text back`,
  );
  writeFileSync(classes, '"a"\n"b"\n"c"\n"e"\n');
  expect(await messageOf(refuseOtherClasses(classes, dataset))).toBe(
    `${text}: token 3 is "d", wanted "e" (${classes}:4); bring the text back`,
  );
});
