// Folders and files of the tests.
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder, by the name that the system has for it; removed when the test file is done. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fsam-test-')));
  folders.push(folder);
  return folder;
}

/** The text of a file. */
export const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');
