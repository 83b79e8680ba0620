// What is known of a picture from its first and last bytes.
import { describePicture, type PictureHeader } from '../picture-header.js';
import type { FileBytes } from './file-bytes.js';
import type { PictureFacts } from './record.js';

/** Enough for nearly all headers. */
const BEGINNING = 3000;
const NEAR_END = 4096;

const JPEG_END = Buffer.from('ffd9', 'hex');
const PNG_END = Buffer.from('49454e44ae426082', 'hex');

/** The facts of the picture of `length` bytes at `offset`, or what is wrong with it. */
export function pictureFacts(
  bytes: FileBytes,
  offset: number,
  length: number,
): PictureFacts | { readonly fault: string } {
  if (length === 0) return { fault: 'is empty' };
  const header = describe(bytes, offset, length);
  if ('fault' in header) return header;
  const { kind, width, height, components } = header;
  if (!endsWhole(bytes, offset, length, header)) {
    const mark = kind === 'jpeg' ? 'JPEG without its end mark FFD9' : 'PNG without its end IEND';
    return { fault: `is a ${mark}: it was cut short` };
  }
  return { kind, width, height, components };
}

function describe(
  bytes: FileBytes,
  offset: number,
  length: number,
): PictureHeader | { readonly fault: string } {
  let wanted = BEGINNING;
  for (;;) {
    const size = Math.min(wanted, length);
    const described = describePicture(bytes.at(offset, size));
    if (!('needs' in described)) return described;
    if (size === length) return { fault: `is cut short: it ends within its header` };
    wanted = described.needs + BEGINNING;
  }
}

/**
 * Whether the picture's end mark is there. A decoder fills in the rows that a cut JPEG lacks without
 * a word. Some writers leave a few bytes behind the mark; a thumbnail's mark, in the header, is not
 * the picture's.
 */
function endsWhole(
  bytes: FileBytes,
  offset: number,
  length: number,
  { kind, headerBytes }: PictureHeader,
): boolean {
  const mark = kind === 'jpeg' ? JPEG_END : PNG_END;
  const body = length - headerBytes;
  if (body < mark.length) return false;
  if (bytes.at(offset + length - mark.length, mark.length).equals(mark)) return true;
  const near = Math.min(body, NEAR_END);
  return bytes.at(offset + length - near, near).includes(mark);
}
