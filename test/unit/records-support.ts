// What the tests of src/data/records share: trees of the golden pictures, and an index of a folder.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IndexOptions } from '../../src/data/records/build-index.js';
import { openIndex } from '../../src/data/records/open-index.js';
import { RecordReader } from '../../src/data/records/read-record.js';
import {
  columnsOfSplit,
  type RecordIndex,
  type RecordSplit,
} from '../../src/data/records/record-index.js';
import { temporaryFolder } from '../support/folders.js';

export const GOLDEN = fileURLToPath(new URL('../golden', import.meta.url));
export const picture = (name: string): Buffer => readFileSync(join(GOLDEN, 'pictures', name));

/** Of the golden records (make-records.py), by label. */
export const SYNSETS = ['n01440764', 'n01443537', 'n01484850', 'n01491361'];
export const PICTURES = ['420.jpg', 'grey.jpg', 'one-wide.jpg', 'progressive.jpg'];

/** Writes `files`, by their paths below a new folder. */
export function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

/** The pictures that the golden records hold, each in its class folder. */
export const goldenTree = (): string =>
  folderOf(
    Object.fromEntries(
      SYNSETS.map((synset, i) => [`train/${synset}/${synset}_${i}.JPEG`, picture(PICTURES[i]!)]),
    ),
  );

/** A folder of some of the golden records. */
export function goldenRecords(...names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) copyFileSync(join(GOLDEN, 'records', name), join(folder, name));
  return folder;
}

/** Kept apart from the user's own. */
export function indexOf(
  directory: string,
  options: Partial<IndexOptions> = {},
): Promise<RecordIndex> {
  return openIndex(directory, { cache: temporaryFolder(), workers: 0, ...options });
}

/** The label and bytes of every record of a split, in order. */
export function contents(split: RecordSplit): { label: number; bytes: Buffer }[] {
  const reader = new RecordReader(split);
  const { label } = columnsOfSplit(split);
  const into = new Uint8Array(new SharedArrayBuffer(split.largestSpan));
  try {
    return [...label].map((one, i) => ({ label: one, bytes: Buffer.from(reader.read(i, into)) }));
  } finally {
    reader.close();
  }
}

/** What an index should give for the golden records. */
export const goldenContents = () =>
  PICTURES.map((name, label) => ({ label, bytes: picture(name) }));
