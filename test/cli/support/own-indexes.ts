// Indexes that a test has made: the set-up keeps its library in the same cache, so that the test cannot
// have one of its own.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { cacheFolder } from '../../../src/util/cache-folder.js';

/** What the folders of a test's data sets begin with: their indexes do, too, and go when it ends. */
export const SET = `fsam-test-${process.pid}`;

const INDEXES = join(cacheFolder(), 'indexes');

export const ownIndexes = (): string[] =>
  readdirSync(INDEXES).filter((name) => name.startsWith(SET));

afterAll(() => {
  for (const name of ownIndexes()) rmSync(join(INDEXES, name));
});
