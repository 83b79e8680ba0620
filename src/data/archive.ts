// Reading chosen members of a .tar.gz, or of the .tar in it, into memory, one after the other.
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { UserError } from '../util/errors.js';
import { errorCode, messageOf, unreadable } from '../util/file-errors.js';
import { notGzip } from './files.js';

interface ArchiveMember {
  /** As it stands in the archive, less a leading `./`. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Far above the largest member of any set we read; stops an archive made to exhaust memory. */
const LARGEST_MEMBER = 512 * 2 ** 20;

/**
 * The members of the archive at `path` whose name is in `wanted`, in the archive's order. Others
 * are passed over, and no name from the archive is ever used as a path here.
 *
 * Errors: UserError when the file cannot be read, is not an intact archive, or holds a wanted name
 * twice, as a link or folder, or of more than half a gigabyte.
 */
export async function* readArchive(
  path: string,
  wanted: ReadonlySet<string>,
): AsyncGenerator<ArchiveMember> {
  const entries = extract();
  const file = createReadStream(path);
  const feeding = (await isPlainTar(path))
    ? pipeline(file, entries)
    : pipeline(file, createGunzip({ chunkSize: 2 ** 20 }), entries);
  // A failure reaches the loop below through `entries`; here it would only be reported a second
  // time.
  feeding.catch(() => undefined);
  const seen = new Set<string>();
  try {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^(\.\/)+/, '');
      if (!wanted.has(name)) {
        entry.resume();
        continue;
      }
      checkEntry(path, name, entry.header, seen);
      yield { name, bytes: await collect(entry) };
    }
    await feeding;
  } catch (error) {
    throw archiveError(path, error);
  }
}

/** By the word that every tar since 1988 has in its first header. */
async function isPlainTar(path: string): Promise<boolean> {
  const [start, word] = [257, 'ustar'];
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(word.length),
        0,
        word.length,
        start,
      );
      return buffer.toString('latin1', 0, bytesRead) === word;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function checkEntry(path: string, name: string, header: Header, seen: Set<string>): void {
  const { type, size } = header;
  if (type !== 'file') {
    throw new UserError(`${path}: member ${name} is a ${type}; wanted a regular file`);
  }
  if (seen.has(name)) throw new UserError(`${path}: holds member ${name} twice; wanted once`);
  if (size > LARGEST_MEMBER) {
    throw new UserError(`${path}: member ${name} has ${size} bytes, too many for such a set`);
  }
  seen.add(name);
}

async function collect(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function archiveError(path: string, error: unknown): Error {
  if (error instanceof UserError) return error;
  const code = errorCode(error);
  if (code?.startsWith('Z_')) return notGzip(path, error);
  if (code !== undefined) return unreadable(path, error);
  return new UserError(`${path}: is not an intact tar archive (${messageOf(error)}); get it again`);
}
