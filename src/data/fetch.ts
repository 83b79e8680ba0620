// Fetching CIFAR: the binary archive from a mirror, checked, unpacked beside itself.
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryPath } from '../util/atomic-file.js';
import { UserError } from '../util/errors.js';
import { unwritable } from '../util/file-errors.js';
import { makeFolders } from '../util/folders.js';
import { readArchive } from './archive.js';
import { CIFAR_FORMATS, recordBytes, type CifarFormat } from './cifar-format.js';
import { download, md5Of, type RemoteFile } from './download.js';
import { kindOf, syncToDisk } from './files.js';
import { openNetwork } from './network.js';

export type FetchableName = keyof typeof CIFAR_FORMATS;

export type FetchEvent =
  | {
      readonly kind: 'receiving';
      readonly url: string;
      readonly received: number;
      readonly total: number;
    }
  /** An attempt failed; another, or another mirror, follows where there is one. */
  | { readonly kind: 'failed'; readonly url: string; readonly reason: string }
  | { readonly kind: 'checking'; readonly path: string }
  | { readonly kind: 'unpacking'; readonly path: string };

export interface FetchOptions {
  /** Base URLs in the order to try them. */
  readonly mirrors?: readonly string[];
  readonly onProgress?: (event: FetchEvent) => void;
  readonly signal?: AbortSignal;
  readonly attempts?: number;
  readonly pauseMilliseconds?: number;
  readonly stallMilliseconds?: number;
  /** What the archive must be; the official one by default. */
  readonly expected?: ExpectedArchive;
}

interface FetchResult {
  /** Folder of the unpacked set; the folder it was fetched into does for loadDataset, too. */
  readonly folder: string;
  /** What had to be done for it. */
  readonly outcome: 'present' | 'unpacked' | 'downloaded';
}

interface ExpectedArchive {
  readonly format: CifarFormat;
  readonly bytes: number;
  readonly md5: string;
}

const DEFAULT_MIRRORS: readonly string[] = [
  'https://www.cs.toronto.edu/~kriz/',
  'https://cave.cs.toronto.edu/kriz/',
];

/** Hashes from the authors' page, https://www.cs.toronto.edu/~kriz/cifar.html. */
const EXPECTED: Record<FetchableName, ExpectedArchive> = {
  cifar10: {
    format: CIFAR_FORMATS.cifar10,
    bytes: 170_052_171,
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  },
  cifar100: {
    format: CIFAR_FORMATS.cifar100,
    bytes: 168_513_733,
    md5: '03b5dce01913d631647c71ecec9e9cb8',
  },
};

/**
 * Brings the set into `directory`: downloads what is missing, checks size and md5, unpacks. Does
 * nothing where the unpacked folder is complete already, and never replaces a file or folder it
 * finds.
 *
 * Errors: UserError when something damaged is in the way, `directory` cannot be written or a mirror
 * or a proxy is no URL; RunError when no mirror delivers; the signal's reason when it is aborted (what has
 * come is kept and gone on from).
 */
export async function fetchDataset(
  name: FetchableName,
  directory: string,
  options: FetchOptions = {},
): Promise<FetchResult> {
  const expected = options.expected ?? EXPECTED[name];
  const { folder: folderName, archive: archiveName } = expected.format.binary;
  const folder = join(directory, folderName);
  const archive = join(directory, archiveName);
  const mirrors = (options.mirrors ?? DEFAULT_MIRRORS).map(parseMirror);

  if (await isComplete(folder, expected.format)) return { folder, outcome: 'present' };
  await makeFolders(directory);
  const file: RemoteFile = { name: archiveName, bytes: expected.bytes, md5: expected.md5 };
  const present = (await kindOf(archive)) !== 'missing';
  if (present) {
    options.onProgress?.({ kind: 'checking', path: archive });
    await checkArchive(archive, file);
  } else {
    const network = await openNetwork();
    try {
      await download(file, archive, {
        network,
        mirrors,
        attempts: options.attempts ?? 3,
        pauseMilliseconds: options.pauseMilliseconds ?? 1000,
        stallMilliseconds: options.stallMilliseconds ?? 30_000,
        onBytes: (received, url) =>
          options.onProgress?.({ kind: 'receiving', url, received, total: file.bytes }),
        onFailure: (url, reason) => options.onProgress?.({ kind: 'failed', url, reason }),
        signal: options.signal,
      });
    } finally {
      await network.close();
    }
  }
  options.onProgress?.({ kind: 'unpacking', path: archive });
  await unpack(archive, directory, expected.format);
  return { folder, outcome: present ? 'unpacked' : 'downloaded' };
}

function parseMirror(text: string): URL {
  const base = text.endsWith('/') ? text : `${text}/`;
  if (/^https?:/i.test(base) && URL.canParse(base)) return new URL(base);
  throw new UserError(`mirror ${JSON.stringify(text)}: wanted a URL of http:// or https://`);
}

/**
 * Whether every file is there at its length. Errors: UserError when the folder is there and is not
 * so.
 */
async function isComplete(folder: string, format: CifarFormat): Promise<boolean> {
  const kind = await kindOf(folder);
  if (kind === 'missing') return false;
  const wayOut = 'move it away and run again';
  if (kind === 'file') throw new UserError(`${folder}: is a file; wanted a folder: ${wayOut}`);
  for (const { name, records } of format.binary.files) {
    const wanted = records * recordBytes(format);
    const found = await stat(join(folder, name)).catch(() => null);
    if (found === null) throw new UserError(`${folder}: has no ${name}: ${wayOut}`);
    if (found.size !== wanted) {
      throw new UserError(
        `${folder}: ${name} has ${found.size} bytes, wanted ${wanted}: ${wayOut}`,
      );
    }
  }
  return true;
}

async function checkArchive(path: string, file: RemoteFile): Promise<void> {
  const { size } = await stat(path);
  const found = size === file.bytes ? `md5 ${await md5Of(path)}` : `${size} bytes`;
  if (found === `md5 ${file.md5}`) return;
  throw new UserError(
    `${path}: has ${found}; wanted ${file.bytes} bytes, md5 ${file.md5}: move it away and run again`,
  );
}

/**
 * Writes the set's files, and nothing else out of the archive, into a folder that takes its name
 * when it is complete.
 */
async function unpack(archive: string, directory: string, format: CifarFormat): Promise<void> {
  const { folder, files } = format.binary;
  const unfinished = temporaryPath(join(directory, folder));
  const wanted = new Set(files.map(({ name }) => `${folder}/${name}`));
  try {
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    for await (const { name, bytes } of readArchive(archive, wanted)) {
      const path = join(unfinished, basename(name));
      await writeFile(path, bytes);
      await syncToDisk(path);
    }
    await isComplete(unfinished, format);
    await syncToDisk(unfinished);
    await rename(unfinished, join(directory, folder));
    await syncToDisk(directory);
  } catch (error) {
    throw error instanceof UserError ? error : unwritable(join(directory, folder), error);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
