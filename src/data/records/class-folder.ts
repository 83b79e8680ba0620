// A folder of the pictures of one class, each in a file of its own.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { unreadable } from '../../util/file-errors.js';
import { FileBytes } from './file-bytes.js';
import { pictureFacts } from './picture-facts.js';
import { changeStamp, isPictureName, keyOf, type Part, type ScannedRecord } from './record.js';

/** No tree that people keep is deeper; a link to a folder above has no end. */
const DEEPEST = 8;

export interface FolderEntries {
  /** Of the pictures, below the folder, sorted. */
  readonly pictures: readonly string[];
  /** This folder and those below it. */
  readonly folders: readonly string[];
  /** Files that no picture has the name of. */
  readonly others: readonly string[];
}

/** All that is in the folder, folders within it included. Errors: UserError where one cannot be read. */
export function listClassFolder(path: string): FolderEntries {
  const pictures: string[] = [];
  const folders: string[] = [];
  const others: string[] = [];
  const walk = (below: string, depth: number): void => {
    const folder = join(path, below);
    folders.push(folder);
    if (depth > DEEPEST) {
      throw new UserError(`${folder}: is the ${DEEPEST}th folder within another; wanted pictures`);
    }
    for (const entry of entriesOf(folder)) {
      if (entry.name.startsWith('.')) continue;
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (isFolder(entry, join(folder, entry.name))) walk(name, depth + 1);
      else (isPictureName(entry.name) ? pictures : others).push(name);
    }
  };
  walk('', 1);
  return { pictures: pictures.sort(), folders, others };
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function isFolder(
  entry: { isDirectory: () => boolean; isSymbolicLink: () => boolean },
  path: string,
): boolean {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Errors: UserError where a file cannot be read. */
export function* scanClassFolder(
  { path, className }: Part,
  { pictures }: FolderEntries,
): Generator<ScannedRecord, void> {
  for (const name of pictures) {
    const bytes = new FileBytes(join(path, name));
    try {
      yield {
        offset: 0,
        length: bytes.size,
        lead: 0,
        span: bytes.size,
        stamp: changeStamp(bytes.mtimeMs),
        key: keyOf(name),
        name,
        label: null,
        className,
        picture: pictureFacts(bytes, 0, bytes.size),
      };
    } finally {
      bytes.close();
    }
  }
}
