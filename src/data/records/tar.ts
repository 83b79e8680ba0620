// The members of a tar archive, found by its headers alone: ustar, pax, GNU, and of before 1988.
//
// tar-stream reads an archive from its beginning to its end; here the pictures between two headers are
// not read. Format: https://www.gnu.org/software/tar/manual/html_node/Standard.html
import { UserError } from '../../util/errors.js';
import type { FileBytes } from './file-bytes.js';

export interface TarMember {
  /** As it stands in the archive, less a leading `./`. */
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  /** Of its content, in bytes of the file. */
  readonly start: number;
  readonly size: number;
}

const BLOCK = 512;
/** Names longer than any path are an archive made to exhaust memory. */
const LONGEST_NAME = 65_536;

/** What a header says of the member behind it, or of all that follow. */
type Extra = Partial<Record<'path' | 'size', string>>;

/**
 * @param range of the archive within the file; an archive within another may lack its end mark, since
 *   the outer one says how long it is.
 *
 * Errors: UserError, after the members before it, where the archive is cut short or damaged, or a
 * name leads outside.
 */
export function* tarMembers(
  bytes: FileBytes,
  range: { readonly from: number; readonly to: number } | null = null,
): Generator<TarMember, void> {
  const { from, to } = range ?? { from: 0, to: bytes.size };
  let forAll: Extra = {};
  let forNext: Extra = {};
  let last = '';
  for (let at = from; ;) {
    if (at + BLOCK > to) {
      if (range !== null && at === to) return;
      throw cutShort(bytes, last === '' ? 'in its first header' : `behind ${last}`, at);
    }
    const header = readHeader(bytes, at);
    if (header === null) return;
    const { type } = header;
    const { size, name } = { ...header, ...applied({ ...forAll, ...forNext }) };
    const start = at + BLOCK;
    const told = isExtra(type) ? 'a header' : name;
    if (start + size > to) throw cutShort(bytes, `in ${told}`, at);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (isExtra(type)) {
      const extra = readExtra(bytes, type, start, size);
      if (type === 'g') forAll = { ...forAll, ...extra };
      else forNext = { ...forNext, ...extra };
      continue;
    }
    forNext = {};
    last = name;
    if (type === 'S') {
      throw new UserError(`${bytes.path}: member ${name} is a sparse file; wanted plain ones`);
    }
    refuseOutside(bytes, name);
    yield { name: name.replace(/^(\.\/)+/, ''), type: typeOf(type), start, size };
  }
}

const cutShort = (bytes: FileBytes, where: string, at: number): UserError =>
  new UserError(
    `${bytes.path}: is cut short ${where} (byte ${at} of ${bytes.size}); get the archive again`,
  );

/** Null for the block of zeros that ends an archive. */
function readHeader(
  bytes: FileBytes,
  at: number,
): { readonly name: string; readonly size: number; readonly type: string } | null {
  const block = bytes.at(at, BLOCK);
  if (block.every((byte) => byte === 0)) return null;
  const noHeader = (): UserError =>
    new UserError(
      `${bytes.path}: is no intact tar archive (byte ${at} begins no header); get it again`,
    );
  const stored = readNumber(block.subarray(148, 156));
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  const size = readNumber(block.subarray(124, 136));
  if (stored !== sum || size === null) throw noHeader();
  const name = readText(block.subarray(0, 100));
  // GNU's own format has times where ustar has the beginning of the name.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? block.subarray(345, 500) : '';
  const folder = prefix === '' ? '' : readText(prefix);
  const type = block.toString('latin1', 156, 157);
  return { name: folder === '' ? name : `${folder}/${name}`, size, type };
}

function readText(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Octal digits, or from 8 GB on a binary number behind a set bit. Null where it is neither. */
function readNumber(field: Buffer): number | null {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = readText(field).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text === '' ? '0' : text, 8) : null;
}

/** x, g: pax's; L, K: GNU's long names, of a member and of what it links to. */
const isExtra = (type: string): boolean => ['x', 'g', 'L', 'K'].includes(type);

function readExtra(bytes: FileBytes, type: string, start: number, size: number): Extra {
  if (type === 'K') return {};
  if (size > LONGEST_NAME * 4) {
    throw new UserError(
      `${bytes.path}: has a header of ${size} bytes at byte ${start}; get it again`,
    );
  }
  const content = bytes.at(start, size);
  return type === 'L' ? { path: readText(content) } : readPax(content);
}

/** Lines of `LENGTH KEY=VALUE`, each as long as it says. */
function readPax(content: Buffer): Extra {
  const extra: Extra = {};
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, space));
    if (space === -1 || !(length > space - at)) break;
    const line = content.toString('utf8', space + 1, at + length - 1);
    const equals = line.indexOf('=');
    const key = line.slice(0, equals);
    if (key === 'path' || key === 'size') extra[key] = line.slice(equals + 1);
    at += length;
  }
  return extra;
}

function applied({ path, size }: Extra): { name?: string; size?: number } {
  const number = Number(size);
  return {
    ...(path !== undefined && { name: path }),
    ...(Number.isSafeInteger(number) && number >= 0 && { size: number }),
  };
}

function typeOf(type: string): TarMember['type'] {
  if (type === '0' || type === '\0' || type === '7') return 'file';
  if (type === '5') return 'folder';
  return type === '1' || type === '2' ? 'link' : 'other';
}

/** No name is ever used as a path here; an archive with such names is nothing to train on either. */
function refuseOutside(bytes: FileBytes, name: string): void {
  if (!name.startsWith('/') && !name.split('/').includes('..')) return;
  throw new UserError(
    `${bytes.path}: member ${name} leads outside of the archive; wanted names below it: it is not from a trustworthy source`,
  );
}
