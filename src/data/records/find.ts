// Recognises the form in which a folder holds a set of pictures, and lists what is to be read.
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../util/errors.js';
import { errorCode, unreadable } from '../../util/file-errors.js';
import { kindOf } from '../files.js';
import { FileBytes } from './file-bytes.js';
import { findGaps } from './numbered.js';
import { isPictureName, type Part } from './record.js';
import { tarMembers } from './tar.js';
import { gzipped } from './tfrecord.js';

/** As users are told of them. */
export type Form = 'TFRecord' | 'WebDataset' | 'class folders' | 'class archives' | 'listed';

export interface FoundSplit {
  readonly form: Form;
  readonly parts: readonly Part[];
}

/** What names of folders and files of a split contain; the first that is there counts. */
const WORDS = { train: ['train'], test: ['val', 'validation', 'valid', 'test'] } as const;
export type SplitName = keyof typeof WORDS;

/** @param file that the message of the fault begins with */
type OnFault = (fault: UserError, file: string) => void;

const refuse: OnFault = (fault) => {
  throw fault;
};

export const WANTED =
  'wanted one of: train/CLASS/*.JPEG; TFRecord shards (train-00000-of-01024); WebDataset archives (NAME-train-0000.tar); ILSVRC2012_img_train.tar';

/**
 * The split of the set in `directory`; null where there is none.
 *
 * Errors: UserError where a shard of a numbered set is missing, files are of a form that is not read,
 * or the split is there in several forms.
 *
 * @param onFault told of files that are missing, packed or cut short in place of the error
 */
export async function findSplit(
  directory: string,
  split: SplitName,
  onFault: OnFault = refuse,
): Promise<FoundSplit | null> {
  for (const word of WORDS[split]) {
    const found = [
      ...(await formsInFolder(join(directory, word), onFault)),
      ...(await formsOfFiles(directory, word, onFault)),
    ];
    const [first, second] = found;
    if (second !== undefined && first !== undefined) {
      const told = found.map(({ form, parts }) => `${form} (${parts[0]?.path ?? ''})`).join(', ');
      throw new UserError(
        `data.directory ${directory}: holds ${split} in several forms: ${told}; keep one, or name a folder that holds only one`,
      );
    }
    if (first !== undefined) return first;
  }
  return null;
}

/** Why nothing was found. Errors: UserError, always. */
export async function refuseNothing(directory: string): Promise<never> {
  const kind = await kindOf(directory);
  if (kind !== 'folder') {
    const problem = kind === 'file' ? 'is a file' : 'there is no such folder';
    throw new UserError(`data.directory ${directory}: ${problem}; ${WANTED}`);
  }
  const entries = await listed(directory);
  const below = await listed(join(directory, 'data'));
  const parquet = [...entries, ...below].find(({ name }) => name.endsWith('.parquet'));
  if (parquet !== undefined) {
    throw new UserError(
      `data.directory ${directory}: holds Parquet files (${parquet.name}), of which a picture cannot be read without the hundred around it; write them out as train/CLASS/*.JPEG first, as with Hugging Face datasets in Python`,
    );
  }
  const names = entries.slice(0, 5).map(({ name }) => name);
  const got = names.length === 0 ? 'is empty' : `holds ${names.join(', ')}`;
  const more = entries.length > names.length ? ', ...' : '';
  throw new UserError(`data.directory ${directory}: ${got}${more}; ${WANTED}`);
}

/** What is in a folder that has the name of a split. */
async function formsInFolder(folder: string, onFault: OnFault): Promise<FoundSplit[]> {
  const entries = await listed(folder);
  if (entries.length === 0) return [];
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const found = await formsOf(folder, files, onFault);
  const folders = await foldersOf(folder, entries);
  if (folders.length > 0) {
    const parts = folders.map((name): Part => ({
      kind: 'folder',
      path: join(folder, name),
      range: null,
      className: name,
    }));
    found.push({ form: 'class folders', parts });
  } else if (found.length === 0 && files.some(isPictureName)) {
    const part: Part = { kind: 'folder', path: folder, range: null, className: null };
    found.push({ form: 'listed', parts: [part] });
  }
  return found;
}

/** Files in `directory` itself whose names have the word between other letters. */
async function formsOfFiles(
  directory: string,
  word: string,
  onFault: OnFault,
): Promise<FoundSplit[]> {
  const pattern = new RegExp(`(^|[^a-z])${word}([^a-z]|$)`, 'i');
  const names = (await listed(directory))
    .filter((entry) => !entry.isDirectory() && pattern.test(entry.name))
    .map(({ name }) => name);
  return formsOf(directory, names, onFault);
}

async function formsOf(
  folder: string,
  names: readonly string[],
  onFault: OnFault,
): Promise<FoundSplit[]> {
  for (const name of names.filter(isPacked)) {
    onFault(packedFile(join(folder, name)), join(folder, name));
  }
  const tars = names.filter((name) => name.endsWith('.tar'));
  const tfrecords = names.filter((name) => isShardName(name) && !name.endsWith('.tar'));
  const found: FoundSplit[] = [];
  const packed = names.filter(isPacked).map((name) => name.replace(/\.gz$/, ''));
  // A packed one is no missing one.
  findGaps(folder, [...tfrecords, ...packed.filter((name) => !name.endsWith('.tar'))], onFault);
  findGaps(folder, [...tars, ...packed.filter((name) => name.endsWith('.tar'))], onFault);
  if (tfrecords.length > 0) {
    found.push({ form: 'TFRecord', parts: wholeFiles(folder, tfrecords, 'tfrecord') });
  }
  if (tars.length > 0) found.push(await formOfTars(folder, tars, onFault));
  return found;
}

/** Of TFRecord and tar. Other numbered files, such as Parquet's, have endings of their own. */
const isShardName = (name: string): boolean =>
  /\.(tfrecords?|tar)$/.test(name) || /(^|[^\d])\d+-of-\d+$/.test(name);

const isPacked = (name: string): boolean =>
  name.endsWith('gz') && isShardName(name.replace(/\.gz$|\.tgz$/, ''));

const packedFile = (path: string): UserError =>
  /\.(tar\.gz|tgz)$/.test(path)
    ? new UserError(
        `${path}: is packed with gzip, in which no record can be looked up; unpack it: gunzip ${path}`,
      )
    : gzipped(path);

const wholeFiles = (folder: string, names: readonly string[], kind: Part['kind']): Part[] =>
  names.map((name) => ({ kind, path: join(folder, name), range: null, className: null }));

/** Archives of WebDataset, of one class each, of such archives, or of pictures listed elsewhere. */
async function formOfTars(
  folder: string,
  names: readonly string[],
  onFault: OnFault,
): Promise<FoundSplit> {
  if (names.every((name) => /^n\d{8}\.tar$/.test(name))) {
    const parts = names.map((name): Part => ({
      kind: 'tar',
      path: join(folder, name),
      range: null,
      className: name.slice(0, -'.tar'.length),
    }));
    return { form: 'class archives', parts };
  }
  const [name = ''] = names;
  const path = join(folder, name);
  await untilReadable(path);
  const first = firstFile(path);
  if (names.length === 1 && first?.endsWith('.tar') === true) {
    return { form: 'class archives', parts: innerArchives(path, onFault) };
  }
  if (names.length === 1 && /(^|\/)ILSVRC2012_val_\d+\.JPEG$/.test(first ?? '')) {
    return { form: 'listed', parts: wholeFiles(folder, names, 'tar') };
  }
  return { form: 'WebDataset', parts: wholeFiles(folder, names, 'webdataset') };
}

/**
 * Waits for the beginning of a file, which is read here afterwards: while a disk does not answer, this
 * thread is free for signals.
 */
async function untilReadable(path: string): Promise<void> {
  try {
    const file = await open(path, 'r');
    try {
      await file.read(Buffer.alloc(1), 0, 1, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Null where there is none. What is wrong before it is told when the records are read. */
function firstFile(path: string): string | null {
  const bytes = new FileBytes(path);
  try {
    for (const { name, type } of tarMembers(bytes)) if (type === 'file') return name;
    return null;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  } finally {
    bytes.close();
  }
}

function innerArchives(path: string, onFault: OnFault): Part[] {
  const bytes = new FileBytes(path);
  const parts: Part[] = [];
  try {
    for (const { type, name, start, size } of tarMembers(bytes)) {
      if (type !== 'file' || !name.endsWith('.tar')) continue;
      parts.push({
        kind: 'tar',
        path,
        range: { from: start, to: start + size },
        className: name.slice(name.lastIndexOf('/') + 1, -'.tar'.length),
      });
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    onFault(error, path);
  } finally {
    bytes.close();
  }
  return parts;
}

/** What is in a folder, hidden files left out, in the order of names; nothing where there is no folder. */
async function listed(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith('.'))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw unreadable(folder, error);
  }
}

async function foldersOf(folder: string, entries: readonly Dirent[]): Promise<string[]> {
  const names: string[] = [];
  for (const entry of entries) {
    const linked = entry.isSymbolicLink()
      ? await stat(join(folder, entry.name)).catch(() => null)
      : entry;
    if (linked?.isDirectory() === true) names.push(entry.name);
  }
  return names;
}
